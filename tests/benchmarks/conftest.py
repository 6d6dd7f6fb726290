"""Tiny models and the other implementation, made once per test session."""

import importlib.util

import pytest

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
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session", autouse=True)
def offline(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("HF_HUB_OFFLINE", "1")
    patch.setenv("HF_DATASETS_OFFLINE", "1")
    patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hf")))
    yield
    patch.undo()
