"""The kinds of judge and their settings, as pages and commands tell them."""

from __future__ import annotations

import json
from dataclasses import MISSING, Field, dataclass, fields
from inspect import getdoc
from typing import Any

from django.utils.text import capfirst

from judging.judges import JUDGES
from judging.labels import kind_label

# a dry run's judge, which nobody sets up
HIDDEN = frozenset({"random"})


@dataclass(frozen=True, slots=True)
class KindSetting:
    """A setting's name and its default as JSON; empty for one that has to be given."""

    name: str
    default: str


@dataclass(frozen=True, slots=True)
class KindOfJudge:
    """``notes`` say what the settings mean, in the words of their own documentation."""

    name: str
    modes: tuple[str, ...]
    needs_model: bool
    settings: tuple[KindSetting, ...]
    notes: str

    @property
    def label(self) -> str:
        """In the reader's language."""
        return str(capfirst(kind_label(self.name)))


def kinds_of_judge() -> list[KindOfJudge]:
    """All kinds that can be set up, in alphabetical order."""
    return [
        KindOfJudge(
            name=name,
            modes=tuple(sorted(mode.value for mode in kind.modes)),
            needs_model=kind.needs_endpoint and name != "jury",
            settings=tuple(KindSetting(each.name, _default(each)) for each in fields(kind.options)),
            notes=(getdoc(kind.options) or "").replace("``", ""),
        )
        for name, kind in JUDGES.items()
        if name not in HIDDEN
    ]


def _default(setting: Field[Any]) -> str:  # a default is whatever JSON the setting takes
    if setting.default_factory is not MISSING:
        return json.dumps(setting.default_factory())
    return "" if setting.default is MISSING else json.dumps(setting.default)
