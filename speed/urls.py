"""Addresses of the pages about speed."""

from django.urls import path

from speed.views import comparing, runs

urlpatterns = [
    path("speed/", runs.speed_list, name="speed_list"),
    path("speed/new/", runs.speed_new, name="speed_new"),
    path("speed/new/plan/", runs.speed_plan, name="speed_plan"),
    path("speed/compare/", comparing.speed_compare, name="speed_compare"),
    path("speed/history/", comparing.speed_history, name="speed_history"),
    path("speed/users/", comparing.speed_users, name="speed_users"),
    path("speed/audit/", runs.speed_audit, name="speed_audit"),
    path("speed/<int:run_id>/", runs.speed_run, name="speed_run"),
    path("speed/<int:run_id>/stop/", runs.speed_stop, name="speed_stop"),
    path("speed/<int:run_id>/again/", runs.speed_again, name="speed_again"),
    path("speed/<int:run_id>/levels/<int:number>/", runs.speed_phase, name="speed_phase"),
    path("speed/<int:run_id>/run.json", runs.speed_json, name="speed_json"),
    path("speed/<int:run_id>/requests.csv", runs.speed_csv, name="speed_csv"),
    path("speed/<int:run_id>/report.html", runs.speed_html, name="speed_html"),
]
