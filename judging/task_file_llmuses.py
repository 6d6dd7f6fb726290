"""Task files in the keys of llmuses (later EvalScope), read as ours.

``question_file``, ``answers_gen.*.model_id_or_path``, ``generation_config`` and ``output_file``,
``reviews_gen.reviewer.args`` with ``model`` and ``mode``, ``baseline_file`` and
``rating_gen.metrics`` mean what they mean there. What names a class, a cache or a precision has no
counterpart and is left out; any other unknown key is refused as in every task file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.utils.text import slugify

Json = dict[str, Any]  # a task file as loaded

MODES = {"single": "single", "pairwise": "arena", "pairwise-baseline": "pairwise_baseline"}
METHODS = {"elo": "elo", "pairwise": "win_rate", "score": "mean_score"}
_ANSWERS = {
    "model_id_or_path": "provider_model",
    "generation_config": "generation",
    "output_file": "answers_file",
}
_GENERATION = {"max_new_tokens": "max_tokens", "max_length": "max_tokens"}
_WITHOUT_COUNTERPART = {
    "answers": ("revision", "precision", "template_type"),
    "generation": ("do_sample", "top_k", "top_p", "repetition_penalty", "num_beams"),
    "reviews": ("prompt_file", "target_answers", "reference_file", "review_file", "cache_file"),
    "rating": ("metrics", "baseline_model", "report_file"),
}


def is_llmuses(loaded: Mapping[str, Any]) -> bool:
    """Whether the file uses a key that only they have."""
    reviewer = _part(_part(loaded, "reviews_gen"), "reviewer")
    return "question_file" in loaded or "args" in reviewer or "ref" in reviewer


def as_ours(loaded: Mapping[str, Any]) -> Json:
    """The same task in our keys; what is ours already stays."""
    task: Json = dict(loaded)
    reviews = dict(_part(task, "reviews_gen"))
    rating = dict(_part(task, "rating_gen"))
    args = dict(_part(_part(reviews, "reviewer"), "args"))
    if "question_file" in task:
        task.setdefault("questions_file", task.pop("question_file"))
    if "questions_file" in task:
        task.setdefault("question_set", slugify(Path(str(task["questions_file"])).stem))
    mode = str(args.get("mode", "pairwise"))
    task.setdefault("mode", MODES.get(mode, mode))
    if "report_file" in rating:
        task.setdefault("report_file", rating["report_file"])
    task["answers_gen"] = {
        name: _answers(part) for name, part in _part(task, "answers_gen").items()
    }
    task["reviews_gen"] = _reviews(reviews, args, rating, task["mode"])
    if rating:
        task["rating_gen"] = _rating(rating)
    return task


def _part(loaded: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = loaded.get(name)
    return part if isinstance(part, Mapping) else {}


def _renamed(part: Mapping[str, Any], names: Mapping[str, str], group: str) -> Json:
    return {
        names.get(key, key): value
        for key, value in part.items()
        if key not in _WITHOUT_COUNTERPART[group]
    }


def _answers(part: object) -> object:
    if not isinstance(part, Mapping):
        return part
    own = _renamed(part, _ANSWERS, "answers")
    if isinstance(own.get("generation"), Mapping):
        own["generation"] = _renamed(own["generation"], _GENERATION, "generation")
    return own


def _reviews(reviews: Json, args: Mapping[str, Any], rating: Mapping[str, Any], mode: str) -> Json:
    own = _renamed(reviews, {}, "reviews")
    baseline_file = own.pop("baseline_file", None)
    if mode == "pairwise_baseline":
        named = rating.get("baseline_model") or (baseline_file and Path(str(baseline_file)).stem)
        own.setdefault("baseline", named or "")
    reviewer = own.get("reviewer")
    if isinstance(reviewer, Mapping) and ("args" in reviewer or "ref" in reviewer):
        model = str(args.get("model", ""))
        settings = {key: args[key] for key in ("max_tokens", "temperature") if key in args}
        kept = {key: value for key, value in reviewer.items() if key not in ("args", "ref")}
        own["reviewer"] = {"name": model or "reviewer", "model": model, "settings": settings} | kept
    return own


def _rating(rating: Mapping[str, Any]) -> Json:
    own = _renamed(rating, {}, "rating")
    metrics = rating.get("metrics") or []
    if metrics:
        own.setdefault("method", METHODS.get(str(metrics[0]), str(metrics[0])))
    return own
