"""The kinds of run this room brings."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from arena.models import RunStatus
from arena.work.kinds import RunKind, WindingUp, register_run_kind
from judging.batch_desk import requests_in
from judging.models import JudgeBatch, JudgeRun, ProbeRun
from judging.money import shown_usd
from judging.probe_workload import ProbeWorkload
from judging.probes import PROBES
from judging.services.adaptive import adaptive_summary
from judging.services.judge_runs import extend_judge_run
from judging.spending import run_spending
from judging.withdrawing import runs_to_withdraw, withdraw_batches, withdrawal_in_words
from judging.workload import JudgeWorkload


def asked_facts(run: JudgeRun) -> list[tuple[str, object]]:
    """What was asked for, and how an adaptive run stands."""
    facts: list[tuple[str, object]] = [
        (_("Judge"), run.judge),
        (_("Mode"), run.get_mode_display()),
        (_("Question set"), run.question_set),
        (_("Models"), ", ".join(run.language_models.values_list("slug", flat=True))),
    ]
    if run.baseline is not None:
        facts.append((_("Baseline"), run.baseline))
    return [*facts, *_settings(run), (_("Seed"), run.seed)]


def judge_run_facts(run: JudgeRun) -> list[tuple[str, object]]:
    """What was asked for, what it has cost so far, and how many verdicts could not be read."""
    spent = run_spending(run)
    return [
        *asked_facts(run),
        (_("Judgments there before"), run.reused),
        (_("Unreadable verdicts"), spent.unreadable),
        (_("Cost so far"), _cost(spent.cost_usd, spent.unpriced)),
        (_("Expected cost"), shown_usd(run.plan.get("money"))),
        (_("Tokens sent"), spent.input_tokens),
        (_("Tokens received"), spent.output_tokens),
    ]


def probe_run_facts(run: ProbeRun) -> list[tuple[str, object]]:
    """Which judge is probed, with what, and what it has cost so far."""
    spent = run_spending(run)
    probes = [PROBES.get(name).label for name in run.settings.get("probes", ())]
    return [
        (_("Judge"), run.judge),
        (_("Mode"), run.get_mode_display()),
        (_("Probes"), ", ".join(str(label) for label in probes)),
        (_("Questions"), run.question_set or _("those that come with the program")),
        (_("Unreadable verdicts"), spent.unreadable),
        (_("Cost so far"), _cost(spent.cost_usd, spent.unpriced)),
    ]


def _settings(run: JudgeRun) -> list[tuple[str, object]]:
    labels = {"limit": _("First questions only"), "repeats": _("Repeats")}
    budget = run.settings.get("budget") or {}
    limits = {"usd": "$", "calls": _("calls"), "minutes": _("minutes")}
    special = ("budget", "adaptive", "batch")
    told = [(labels.get(name, name), v) for name, v in run.settings.items() if name not in special]
    if run.settings.get("batch"):
        sent = list(JudgeBatch.objects.filter(run=run))
        words = _("%(requests)s requests in %(batches)s batches, at half the price")
        counts = {"requests": f"{requests_in(sent):,}", "batches": len(sent)}
        told.append((_("Batch API"), words % counts))
        if run.status == RunStatus.CANCELLED and sent:
            told.append((_("Withdrawn batches"), withdrawal_in_words(run)))
    if adaptive := adaptive_summary(run.plan):
        told += _adaptive_facts(adaptive)
    if budget:
        shown = ", ".join(f"{value:g} {limits[name]}" for name, value in budget.items())
        told.append((_("Budget"), shown))
    return told


def _adaptive_facts(told: dict[str, Any]) -> list[tuple[str, object]]:
    """What was asked for, what the last look saw, and what was not judged."""
    goal = _("until every gap between two models is known to ± %(within)s rating points")
    if told["is_reached"]:
        seen = _("reached: every gap is settled")
    else:
        seen = ngettext("%(n)d gap is open", "%(n)d gaps are open", told["open_gaps"])
        seen %= {"n": told["open_gaps"]}
    left = []
    if found := None if told["is_reached"] else told["left"]:
        words = _("%(likely)s judgments since the last look (%(low)s to %(high)s)")
        counts = {name: f"{found[name]:,}" for name in ("likely", "low", "high")}
        left = [(_("Likely still to make"), words % counts)]
    saved = _("%(saved)s of %(total)s judgments were not needed so far (%(share)s)")
    share = told["saved"] / told["total"] if told["total"] else 0.0
    return [
        (_("Adaptive spending"), goal % {"within": f"{told['within']:g}"}),
        (_("Goal"), seen),
        *left,
        (
            _("Saved"),
            saved
            % {
                "saved": f"{told['saved']:,}",
                "total": f"{told['total']:,}",
                "share": f"{share:.0%}",
            },
        ),
    ]


def _cost(usd: float, unpriced: int) -> str:
    if not unpriced:
        return shown_usd(usd)
    told = ngettext(
        "%(cost)s, without %(n)d judgment of unknown price",
        "%(cost)s, without %(n)d judgments of unknown price",
        unpriced,
    )
    return told % {"cost": shown_usd(usd), "n": unpriced}


register_run_kind(
    RunKind(
        "judging",
        gettext_lazy("Judge run"),
        JudgeRun,
        JudgeWorkload.open,
        judge_run_facts,
        extend_judge_run,
        winding_up=WindingUp(runs_to_withdraw, withdraw_batches, withdrawal_in_words),
    )
)

register_run_kind(
    RunKind(
        "probing",
        gettext_lazy("Probe run"),
        ProbeRun,
        ProbeWorkload.open,
        probe_run_facts,
    )
)
