"""The kinds of run this room brings."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arena.models import GenerationRun
from arena.services.generation import GenerationWorkload
from arena.work.kinds import RunKind, register_run_kind


def generation_facts(run: GenerationRun) -> list[tuple[str, object]]:
    models = run.language_models.values_list("slug", flat=True)
    settings = [(name, value) for name, value in run.settings.items()]
    return [
        (_("Question set"), run.question_set),
        (_("Models"), ", ".join(models)),
        *settings,
    ]


register_run_kind(
    RunKind(
        "generation",
        gettext_lazy("Answer generation"),
        GenerationRun,
        GenerationWorkload.open,
        generation_facts,
    )
)
