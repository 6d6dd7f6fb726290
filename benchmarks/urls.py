"""Addresses of benchmark pages."""

from django.urls import path, re_path

from benchmarks.views import board, launching, runs

urlpatterns = [
    path("benchmarks/", board.board, name="benchmark_board"),
    path("benchmarks/board.json", board.board_json, name="benchmark_board_json"),
    path("benchmarks/queue/", board.queue, name="benchmark_queue"),
    path("benchmarks/compare/", board.compare, name="benchmark_compare"),
    path("benchmarks/new/", launching.new_run, name="benchmark_new"),
    path("benchmarks/questions/", launching.upload_questions, name="benchmark_upload"),
    path(
        "benchmarks/questions/<int:file_id>/delete/",
        launching.delete_questions,
        name="benchmark_delete_questions",
    ),
    path("benchmarks/tasks/", launching.task_list, name="benchmark_task_list"),
    path("benchmarks/tasks/<path:name>/", launching.task_page, name="benchmark_task"),
    path("benchmarks/runs/<int:run_id>/", runs.run_page, name="benchmark_run"),
    path("benchmarks/runs/<int:run_id>/results.json", runs.run_json, name="benchmark_run_json"),
    path("benchmarks/runs/<int:run_id>/report.html", runs.run_report, name="benchmark_report"),
    path("benchmarks/runs/<int:run_id>/priority/", runs.set_priority, name="benchmark_priority"),
    re_path(
        r"^benchmarks/runs/(?P<run_id>\d+)/(?P<action>start|prepare|discard)/$",
        launching.draft_action,
        name="benchmark_draft",
    ),
    path(
        "benchmarks/runs/<int:run_id>/tasks/<int:task_id>/",
        runs.sample_list,
        name="benchmark_samples",
    ),
    path(
        "benchmarks/runs/<int:run_id>/tasks/<int:task_id>/rescore/",
        runs.rescore_task,
        name="benchmark_rescore",
    ),
    path("benchmarks/samples/<int:sample_id>/", runs.sample_page, name="benchmark_sample"),
    # the link "Results" on the common page of runs
    re_path(
        r"^runs/(?P<kind>benchmark)/(?P<run_id>\d+)/results/$",
        runs.run_results,
        name="run_results",
    ),
]
