"""Addresses of the public pages."""

from django.urls import path

from arena.views import pages
from arena.views.robots import robots

urlpatterns = [
    path("", pages.home, name="home"),
    path("robots.txt", robots, name="robots"),
    path("questions/", pages.question_list, name="question_list"),
    path("questions/sets/", pages.question_set_list, name="question_set_list"),
    path("questions/<int:question_id>/", pages.question_detail, name="question_detail"),
    path("models/", pages.model_list, name="model_list"),
    path("models/<str:slug>/", pages.model_detail, name="model_detail"),
    path("battles/", pages.battle_list, name="battle_list"),
    path("battles/<int:battle_id>/", pages.battle_detail, name="battle_detail"),
]
