"""The command line: what it prints, how it ends, how a run goes on."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from arena.models import RunStatus, WorkStatus
from benchmarks.management.commands import run_benchmark
from benchmarks.models import BenchmarkRun
from benchmarks.services.libraries import in_words
from benchmarks.services.options import run_options
from benchmarks.suites_base import TaskError

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def options(checkpoint, tmp_path):
    """A run of four own questions on the tiny model."""
    path = tmp_path / "q.csv"
    rows = "".join(f"Number {i}?,one,two,A\n" for i in range(4))
    path.write_text("question,A,B,answer\n" + rows)
    settings = {"general_mcq:q": {"local_path": str(path)}}
    return {
        "model": str(checkpoint), "datasets": ["general_mcq:q"], "model_args": "precision=fp32",
        "dataset_args": json.dumps(settings), "quiet": True,
    }  # fmt: skip


def call(**options):
    out, err = StringIO(), StringIO()
    call_command("run_benchmark", **options, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_json_is_all_that_is_printed(options):
    found = json.loads(call(**options, json=True)[0])
    assert found["status"] == "completed"
    assert found["tasks"]["general_mcq:q"]["audit"]["scored"] == 4


def test_a_plan_and_a_queued_run_come_as_json_too(options):
    plan = json.loads(call(**options, json=True, dry_run=True)[0])
    assert plan["tasks"] == {"general_mcq:q": 4}
    assert plan["forecast"]["samples"] == 4
    queued = json.loads(call(**options, json=True, queue=True)[0])
    assert BenchmarkRun.objects.get(pk=queued["run"]).status == RunStatus.ACTIVE


def test_progress_goes_to_the_error_stream(options):
    out, err = call(**(options | {"quiet": False}))
    assert "4 of 4 samples" in err
    assert "4 of 4 samples" not in out


def test_missing_scores_have_an_exit_code_of_their_own(options, monkeypatch):
    def leave_one(run):
        BenchmarkRun.objects.filter(pk=run.pk).update(status=RunStatus.STOPPED)
        return run

    monkeypatch.setattr(run_benchmark, "run_to_end", leave_one)
    with pytest.raises(CommandError, match="4 samples have no score") as caught:
        call(**options)
    assert caught.value.returncode == 3


def test_an_interrupted_run_is_stopped_and_goes_on_with_resume(options, monkeypatch):
    with monkeypatch.context() as patch:

        def interrupt(run):
            BenchmarkRun.objects.filter(pk=run.pk).update(status=RunStatus.ACTIVE)
            raise KeyboardInterrupt

        patch.setattr(run_benchmark, "run_to_end", interrupt)
        with pytest.raises(CommandError, match="--resume") as caught:
            call(**options)
    assert caught.value.returncode == 130
    run = BenchmarkRun.objects.get()
    assert run.status == RunStatus.STOPPED
    call(resume=run.pk, quiet=True)
    run.refresh_from_db()
    assert run.status == RunStatus.COMPLETED


def test_resuming_a_completed_run_retries_what_failed(options):
    call(**options)
    run = BenchmarkRun.objects.get()
    run.items().filter(index=1).update(status=WorkStatus.FAILED, value=None, metrics={})
    found = json.loads(call(resume=run.pk, json=True, quiet=True)[0])
    assert found["tasks"]["general_mcq:q"]["audit"] == {"failed": 0, "scored": 4}


def test_a_run_that_does_not_exist_cannot_be_resumed():
    with pytest.raises(CommandError, match="no benchmark run 12"):
        call(resume=12)


def test_an_order_that_cannot_be_prepared_leaves_no_run(options):
    with pytest.raises(CommandError, match="needs a file"):
        call(**(options | {"dataset_args": "{}"}))
    assert not BenchmarkRun.objects.exists()


def test_a_wrong_checkpoint_is_one_error_and_no_failed_samples(options, tmp_path):
    with pytest.raises(CommandError, match="the model cannot be loaded"):
        call(**(options | {"model": str(tmp_path)}))
    assert BenchmarkRun.objects.get().items().status_counts()["failed"] == 0


@pytest.mark.parametrize(("given", "kept"), [(10.0, 10), ("3", 3), (0.25, 0.25), (1, 1)])
def test_a_limit_means_the_same_however_it_is_written(given, kept):
    limit = run_options({"limit": given}).limit
    assert (limit, type(limit)) == (kept, type(kept))


def test_a_limit_that_is_no_number_is_refused():
    with pytest.raises(TaskError, match="no number of samples"):
        run_options({"limit": "all"})


def test_a_missing_package_is_told_with_its_remedy():
    error = ModuleNotFoundError("No module named 'lm_eval.api'", name="lm_eval.api")
    assert in_words(error) == (
        "the package lm_eval is not installed; run pip install 'agon[benchmarks]'"
    )
    assert in_words(ValueError("too long")) == "too long"
    assert in_words(KeyError("x")) == "KeyError: 'x'"
