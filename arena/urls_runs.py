"""Addresses of runs, the console and signing in by link."""

from django.urls import path, re_path

from arena.views import accounts, console, runs, setup

urlpatterns = [
    path("console/", console.console, name="console"),
    path("console/generate/", console.generate_answers, name="generate_answers"),
    path("console/import/", console.import_upload, name="import_upload"),
    path("console/models/", setup.model_setup, name="model_setup"),
    path("console/models/new/", setup.model_edit, name="model_new"),
    path("console/models/<str:slug>/", setup.model_edit, name="model_edit"),
    path("console/models/<str:slug>/try/", setup.model_try, name="model_try"),
    path("console/endpoints/new/", setup.endpoint_edit, name="endpoint_new"),
    path("console/endpoints/<int:pk>/", setup.endpoint_edit, name="endpoint_edit"),
    path("console/endpoints/<int:pk>/offers/", setup.endpoint_offers, name="endpoint_offers"),
    path("console/endpoints/<int:pk>/take/", setup.endpoint_take, name="endpoint_take"),
    path("runs/", runs.run_list, name="run_list"),
    path("runs/<str:kind>/<int:run_id>/", runs.run_detail, name="run_detail"),
    path("runs/<str:kind>/<int:run_id>/progress.json", runs.run_json, name="run_json"),
    re_path(
        r"^runs/(?P<kind>[a-z_]+)/(?P<run_id>\d+)/(?P<action>pause|resume|cancel|retry)/$",
        runs.run_action,
        name="run_action",
    ),
    path("sign-in/<str:token>/", accounts.sign_in_by_link, name="sign_in_by_link"),
]
