"""Addresses of judges, of starting a judge run, and of a run's judgments."""

from django.urls import path, re_path

from judging.views import cards, judges, people, probes, runs, safety

urlpatterns = [
    path("people-and-judges/", people.people_and_judges, name="people_and_judges"),
    path("judges/", judges.judge_list, name="judge_list"),
    path("judges/new/", judges.judge_new, name="judge_new"),
    path("judges/compare/", cards.judge_comparison, name="judge_comparison"),
    path("judges/<str:slug>/", judges.judge_detail, name="judge_detail"),
    path("judges/<str:slug>/v<int:version>/", judges.judge_detail, name="judge_version"),
    path(
        "judges/<str:slug>/v<int:version>/calibrate/",
        judges.judge_calibrate,
        name="judge_calibrate",
    ),
    path("judges/<str:slug>/v<int:version>/card/", cards.judge_card_part, name="judge_card"),
    path(
        "judges/<str:slug>/v<int:version>/judgments/",
        judges.judge_judgments,
        name="judge_judgments",
    ),
    path(
        "judges/<str:slug>/v<int:version>/rows/<str:key>/",
        cards.judge_figure_rows,
        name="judge_figure_rows",
    ),
    path("judges/<str:slug>/v<int:version>/probe/", probes.probe_run_new, name="probe_run_new"),
    path(
        "judges/<str:slug>/v<int:version>/probes/<str:mode>/<str:name>/",
        probes.probe_rows,
        name="probe_rows",
    ),
    re_path(
        r"^runs/(?P<kind>probing)/(?P<run_id>\d+)/trials/$",
        probes.probe_run_trials,
        name="run_results",
    ),
    path("console/judge/", runs.judge_run_new, name="judge_run_new"),
    path("console/judge/plan/", runs.judge_run_plan, name="judge_run_plan"),
    path("runs/judging/<int:run_id>/report/", runs.run_report, name="judge_run_report"),
    path(
        "runs/judging/<int:run_id>/attack-success/",
        safety.run_attack_success,
        name="run_attack_success",
    ),
    re_path(
        r"^runs/(?P<kind>judging)/(?P<run_id>\d+)/judgments/$",
        runs.run_judgments,
        name="run_results",
    ),
]
