"""Tiny models and the other implementation, made once per test session."""

import importlib.util
import logging

import pytest

from tests.benchmarks.datasets_on_disk import FOLDERS, write_all
from tests.benchmarks.tiny import make_model, make_tokenizer
from tests.conftest import skip_or_fail


def pytest_configure(config):
    for line in (
        # third-party libraries of the local engine, not under our control
        "ignore::DeprecationWarning:(lm_eval|datasets|transformers|torch|evaluate|pyarrow|dill|multiprocess|jupyter_client|absl|nltk|rouge_score)",
        "ignore:.*torch.jit.*:DeprecationWarning",
    ):
        config.addinivalue_line("filterwarnings", line)


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    if importlib.util.find_spec("torch") is None:
        skip_or_fail("torch is not installed; install the extra 'local'")
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    patch = pytest.MonkeyPatch()
    # loading a model would take all cores again, and tiny ones spend their time on waiting then
    patch.setenv("BENCHMARK_THREADS", "1")
    yield
    patch.undo()
    torch.set_num_threads(before)


@pytest.fixture(scope="session", autouse=True)
def offline(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("HF_HUB_OFFLINE", "1")
    patch.setenv("HF_DATASETS_OFFLINE", "1")
    patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hf")))
    yield
    patch.undo()


@pytest.fixture
def finished_run(db):
    """A run whose samples are right where ``right`` says so."""
    from django.utils import timezone

    from arena.models import RunStatus, WorkStatus
    from benchmarks.models import BenchmarkRun, BenchmarkTask, EngineKind, Sample
    from benchmarks.services.scoring import refresh_scores
    from benchmarks.suites_base import RequestKind, SampleRequest, pack_requests

    def make(model, right, *, task_name="arc_easy", fingerprint="f1", reasons=""):
        run = BenchmarkRun.objects.create(
            language_model=model, engine=EngineKind.LOCAL, selection=[task_name],
            status=RunStatus.COMPLETED, prepared_at=timezone.now(),
            model_args={"checkpoint": "here"},
            label=f"{model.slug} on {task_name}", groups={"both": [task_name]},
        )  # fmt: skip
        task = BenchmarkTask.objects.create(
            run=run, name=task_name, suite="lm-eval", protocol="native",
            primary_metric="acc,none", sample_count=len(right), fingerprint_hash=fingerprint,
            fingerprint={"prompt": fingerprint},
        )  # fmt: skip
        requests = pack_requests(
            [SampleRequest(RequestKind.LIKELIHOOD, "Question: why?\nAnswer:", f" {c}")
             for c in "ab"]
        )  # fmt: skip
        Sample.objects.bulk_create(
            Sample(run=run, task=task, index=i, requests=requests, target="a",
                   doc={"question": "w"}, choices=["a", "b"], prompt_hash=f"p{i}",
                   status=WorkStatus.DONE,
                   responses=[{"logprob": -1.25}, {"logprob": -2.5}], extracted="ab"[1 - ok],
                   metrics={"acc,none": float(ok)}, value=float(ok), reason_words=reasons)
            for i, ok in enumerate(right)
        )  # fmt: skip
        refresh_scores(task)
        return run

    return make


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny-llama"
    make_model(max_length=1536).save_pretrained(folder)
    make_tokenizer(adds_bos=True).save_pretrained(folder)
    yield folder
    from benchmarks.services.engines import release_engines

    release_engines()


@pytest.fixture(scope="module")
def small_catalogue():
    """The definitions that the tests use; reading all of lm-eval's takes half a minute."""
    from benchmarks.harness.catalogue import DEFINITIONS, read_catalogue, tasks_folder
    from benchmarks.services.task_names import searchable_cards

    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    known = read_catalogue([DEFINITIONS, *(tasks_folder() / folder for folder in FOLDERS)])
    patch = pytest.MonkeyPatch()
    for module in ("benchmarks.harness.loading", "benchmarks.suites.lm_eval_tasks"):
        patch.setattr(f"{module}.catalogue", lambda _: known)
    searchable_cards.cache_clear()
    yield known
    searchable_cards.cache_clear()
    patch.undo()


@pytest.fixture
def configuration(checkpoint, data, small_catalogue):
    def make(*datasets, **changes):
        return {
            "model": str(checkpoint),
            "model_args": {"precision": "fp32"},
            "datasets": list(datasets),
            "dataset_hub": "Local",
            "dataset_dir": str(data),
            "generation_config": {"max_tokens": 8},
            "limit": 4,
            **changes,
        }

    return make


@pytest.fixture
def launched(admin_client, checkpoint, data, monkeypatch):
    """A run from the launch page to its end; its worker is this process."""
    from django.urls import reverse

    from benchmarks.models import BenchmarkRun
    from benchmarks.services.accelerators import work_on_accelerator
    from benchmarks.services.launching import prepare_and_start

    monkeypatch.setattr("benchmarks.tasks.prepare_benchmark.delay", prepare_and_start)
    monkeypatch.setattr("benchmarks.tasks.wake_accelerator.delay", work_on_accelerator)
    for module in ("services.task_names", "views.launching"):
        monkeypatch.setattr(f"benchmarks.{module}.is_catalogue_ready", lambda: True)

    def launch(**fields):
        form = {"model": str(checkpoint), "protocol": "native", "precision": "fp32",
                "hub": "local", "dataset_dir": str(data), **fields}  # fmt: skip
        answer = admin_client.post(reverse("benchmark_new"), form)
        run = BenchmarkRun.objects.order_by("-pk").first()
        assert answer.status_code == 302, answer.context["form"].errors
        assert answer["Location"] == reverse("benchmark_run", args=[run.pk])
        assert not run.status_detail
        return run

    return launch
