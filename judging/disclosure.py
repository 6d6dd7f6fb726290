"""What strangers read of judgments of live battles: personal data replaced, in the prompt and in
what the judge quotes of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import Any

from arena.models.question import LIVE_SET
from arena.selectors.disclosure import without_personal_data
from judging.models import Judgment, ProbeTrial
from judging.models.verdict_row import VerdictRow
from judging.probe_results import ProbedCase


def shown_to_strangers(judgments: Iterable[Judgment]) -> list[Judgment]:
    """Those about visitors' own words as copies, not to be saved; the others as they are."""
    return [_disclosed(row) if _is_live(row) else row for row in judgments]


def cases_shown_to_strangers(cases: Iterable[ProbedCase]) -> list[ProbedCase]:
    """A probe's cases may come from the set of live battles too."""
    return [
        ProbedCase(tuple(map(_disclosed_trial, case.trials)), case.is_passed)
        if _is_of_live_set(case.trials[0])
        else case
        for case in cases
    ]


def _is_live(judgment: Judgment) -> bool:
    subject = judgment.battle or judgment.answer
    return subject is not None and subject.question is not None and subject.question.is_live


def _is_of_live_set(trial: ProbeTrial) -> bool:
    chosen = trial.run.question_set
    return chosen is not None and chosen.slug == LIVE_SET


def _disclosed(row: Judgment) -> Judgment:
    shown = copy(row)
    _clean(shown)
    replies = row.metadata.get("unreadable_replies", [])
    shown.metadata = {
        **row.metadata,
        "unreadable_replies": [
            {**reply, "raw_text": without_personal_data(reply.get("raw_text", ""))}
            for reply in replies
        ],
    }
    return shown


def _disclosed_trial(row: ProbeTrial) -> ProbeTrial:
    shown = copy(row)
    _clean(shown)
    for name in ("question", "honest", "planted"):
        setattr(shown, name, without_personal_data(getattr(row, name)))
    return shown


def _clean(row: VerdictRow) -> None:
    row.raw_text = without_personal_data(row.raw_text)
    row.error_detail = without_personal_data(row.error_detail)
    row.prompt = [_disclosed_message(message) for message in row.prompt]


def _disclosed_message(message: dict[str, Any]) -> dict[str, Any]:  # JSON
    content = message.get("content")
    if isinstance(content, str):
        return {**message, "content": without_personal_data(content)}
    parts = [
        {**part, "text": without_personal_data(part["text"])} if "text" in part else part
        for part in content or ()
    ]
    return {**message, "content": parts}
