"""The address of the page that joins quality to speed and price."""

from django.urls import path

from leaderboard.views.pareto import pareto_page

urlpatterns = [path("pareto/", pareto_page, name="pareto")]
