"""The libraries of the extras: imported by one thread at a time, and told apart from a failure.

``transformers`` and ``datasets`` look into each other while they are imported; a second thread
that uses one of them meanwhile finds half a module. Tasks are opened under the same lock, for
lm-eval's and datasets' loaders change process-wide state.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from threading import RLock

LIBRARIES = RLock()
# the order matters: datasets asks transformers for a class as soon as it is there
MODULES = ("transformers", "datasets")
EXTRAS = {
    "local": ("torch", "transformers"),
    "benchmarks": ("lm_eval", "datasets", "rouge_score", "sacrebleu"),
}


def import_libraries() -> None:
    """Import what is installed of the libraries that must not be half there."""
    with LIBRARIES:
        for name in MODULES:
            if find_spec(name) is not None:
                import_module(name)
        if find_spec("transformers") is not None:
            # lazily loaded, and what datasets looks for
            from transformers import PreTrainedTokenizerBase  # noqa: F401


def missing_packages(extra: str) -> list[str]:
    """Packages of an extra that are not installed here."""
    return [name for name in EXTRAS[extra] if find_spec(name) is None]


def in_words(error: BaseException) -> str:
    """An error in a sentence; a package of an extra that is missing comes with its remedy."""
    name = (getattr(error, "name", None) or "").partition(".")[0]
    for extra, packages in EXTRAS.items():
        if isinstance(error, ImportError) and name in packages:
            return f"the package {name} is not installed; run {how_to_install(extra)}"
    is_ours = isinstance(error, ValueError | OSError | ImportError)
    return str(error) if is_ours else f"{type(error).__name__}: {error}"


def how_to_install(extra: str) -> str:
    return f"pip install 'agon[{extra}]'"
