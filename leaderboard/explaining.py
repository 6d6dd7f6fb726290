"""A board's method and findings in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from arena.models import Exclusion
from leaderboard.models import Evidence, Snapshot
from leaderboard.ratings import METHODS
from leaderboard.slices import CALIBRATED

LEFT_OUT_LABELS: Final[Mapping[str, str | Promise]] = {
    "dry_run": gettext_lazy("dry-run verdicts"),
    "judge_failed": gettext_lazy("judgments that failed"),
    "not_judged_yet": gettext_lazy("judgments not made yet"),
    "unreadable_verdict": gettext_lazy("unreadable verdicts"),
    "no_outcome": gettext_lazy("judgments without an outcome"),
    "style_unknown": gettext_lazy("answers whose style was not measured"),
    "marked_otherwise": gettext_lazy("marked for another reason"),
} | {reason.value: reason.label for reason in Exclusion}

_WHO: Final[Mapping[str, str | Promise]] = {
    "people": gettext_lazy("Only people's votes count."),
    "judges": gettext_lazy("Only judges' verdicts count, each game for itself."),
    "combined": gettext_lazy("People's votes and judges' verdicts count alike."),
    CALIBRATED: gettext_lazy(
        "People decide; judges' verdicts only make the estimate sharper, never shift it."
    ),
}
_STYLE: Final[Mapping[str, str | Promise]] = {
    "length": gettext_lazy("Ratings are as if both answers had been equally long."),
    "length_markdown": gettext_lazy(
        "Ratings are as if both answers had been equally long and formatted alike."
    ),
}


STYLE_FEATURE_LABELS: Final[Mapping[str, str | Promise]] = {
    "length": gettext_lazy("length"),
    "headers": gettext_lazy("headings"),
    "lists": gettext_lazy("list items"),
    "bold": gettext_lazy("bold"),
    "position": gettext_lazy("being shown first"),
}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why rows do not count, how many, and the key under which they are listed."""

    reason: str
    label: str
    count: int


def method_sentence(snapshot: Snapshot, chosen: Mapping[str, str]) -> str:
    """How this view of the board is made, in plain words."""
    source = chosen.get("source") or str(snapshot.query.get("source", "combined"))
    words = [str(_WHO.get(source, ""))]
    if snapshot.query.get("draw_weights") == "inverse":
        words.append(_("Each vote weighs one over the probability that its pair was drawn with."))
    if style := chosen.get("style", ""):
        words.append(str(_STYLE[style]))
    else:
        words.append(_(METHODS.get(snapshot.method).description))
    return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class StyleEffect:
    """What one standard deviation more of a style feature is worth, in points, with interval."""

    name: str
    points: float
    lower: float
    upper: float


def style_effects(snapshot: Snapshot) -> list[StyleEffect]:
    """The coefficients of style control; none for other methods."""
    effects = []
    for name, fitted in (snapshot.diagnostics.get("style") or {}).items():
        log_odds = fitted["coefficient"]
        if not log_odds or fitted["lower"] is None:
            continue
        unit = fitted["points"] / log_odds
        label = str(STYLE_FEATURE_LABELS.get(name, name))
        effects.append(
            StyleEffect(label, fitted["points"], unit * fitted["lower"], unit * fitted["upper"])
        )
    return effects


def left_out(snapshot: Snapshot | None) -> list[LeftOut]:
    """The most frequent reason first."""
    excluded: dict[str, int] = snapshot.excluded if snapshot else {}
    return [
        LeftOut(reason, str(LEFT_OUT_LABELS.get(reason, reason.replace("_", " "))), count)
        for reason, count in sorted(excluded.items(), key=lambda item: -item[1])
    ]


def findings(snapshot: Snapshot) -> dict[str, Any]:  # JSON of the examination
    """What the examination found, empty until it was made."""
    evidence = Evidence.objects.filter(snapshot=snapshot).only("examination").first()
    return dict(evidence.examination) if evidence else {}


def prior_sentence(snapshot: Snapshot, names: Mapping[str, str]) -> str:
    """Which prior kept which ratings finite; empty where none was needed. ``names`` by slug."""
    prior = snapshot.diagnostics.get("prior") or {}
    unbounded = [names.get(slug, slug) for slug in snapshot.diagnostics.get("unbounded") or []]
    if prior.get("name", "none") == "none":
        return ""
    return ngettext(
        "%(names)s won or lost everything against the rest, so the data alone would put no bound "
        "on the rating. The phantom-draw prior (%(games)s drawn game against an average opponent "
        "for each model of the group) keeps it finite.",
        "%(names)s won or lost everything against the rest, so the data alone would put no bound "
        "on their ratings. The phantom-draw prior (%(games)s drawn game against an average "
        "opponent for each model of the group) keeps them finite.",
        len(unbounded),
    ) % {"names": ", ".join(unbounded) or "–", "games": f"{prior.get('games_per_model', 1):g}"}


def influence_sentence(
    found: Mapping[str, Any],  # JSON of the examination
    names: Mapping[str, str],
) -> str:
    """How few rows carry rank 1; models by their ``names`` instead of their slugs."""
    influence = found.get("influence") or {}
    if not influence.get("leader"):
        return ""
    leader = names.get(influence["leader"], influence["leader"])
    if influence.get("removals") is None:
        return _(
            "No set of votes whose removal leaves the models connected takes %(leader)s off rank 1."
        ) % {"leader": leader}
    return ngettext(
        "Removing %(n)s of %(total)s comparisons (%(share)s) would put %(rival)s above %(leader)s.",
        "Removing %(n)s of %(total)s comparisons (%(share)s) would put %(rival)s above %(leader)s.",
        influence["removals"],
    ) % {
        "n": influence["removals"],
        "total": influence["votes"],
        "share": f"{influence['share']:.2%}",
        "rival": names.get(influence["overtaken_by"], influence["overtaken_by"]),
        "leader": leader,
    }
