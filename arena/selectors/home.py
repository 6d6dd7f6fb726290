from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from arena.keeping import Keeper
from arena.models import Answer, LanguageModel, Question, Vote
from arena.templatetags.navigation import url_if

STEPS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Step:
    """Something to try next."""

    url_name: str
    icon: str
    title: str | Promise
    text: str | Promise
    staff_only: bool = False

    @property
    def href(self) -> str:
        return url_if(self.url_name)


STEPS = (
    Step(
        "vote",
        "scales",
        _("Judge a battle"),
        _("Two answers, no names. Say which is better; the models are revealed after your vote."),
    ),
    Step(
        "board_list",
        "chart",
        _("Read the board"),
        _("Ratings with their intervals, and the battles behind every number."),
    ),
    Step(
        "console",
        "play",
        _("Start a run"),
        _("Bring your own questions and models, generate answers and let a judge decide."),
        staff_only=True,
    ),
    Step(
        "question_list",
        "search",
        _("Browse the questions"),
        _("Every question with all answers side by side and what each judge said."),
    ),
    Step(
        "model_list",
        "person",
        _("Meet the models"),
        _("Who made them, under which licence, at what price, and how they answered."),
    ),
)


@dataclass(frozen=True, slots=True)
class Totals:
    models: int
    questions: int
    answers: int
    votes: int


def totals() -> Totals:
    return Totals(
        models=LanguageModel.objects.active().count(),
        questions=Question.objects.count(),
        answers=Answer.objects.done().count(),
        votes=Vote.objects.count(),
    )


TOTALS: Final = Keeper(
    name="arena.selectors.home.TOTALS",
    form=1,
    work_out=totals,
    pack=lambda found: (asdict(found), b""),
    unpack=lambda told, _columns: Totals(**told),
)


@dataclass(frozen=True, slots=True)
class HomePage:
    has_demo: bool
    totals: Totals
    steps: list[Step]


def home_page(*, is_staff: bool) -> HomePage:
    steps = [step for step in STEPS if step.href and (is_staff or not step.staff_only)]
    dated = TOTALS.get()
    return HomePage(
        has_demo=LanguageModel.objects.filter(is_demo=True).exists(),
        totals=dated.figures if dated else totals(),
        steps=steps[:STEPS_SHOWN],
    )
