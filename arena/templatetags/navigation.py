"""Where a reader is and where they can go: the site's sections, icons and safe addresses.

The rooms are built and switched on separately, so an entry whose address does not exist is left
out instead of breaking every page.
"""

from dataclasses import dataclass

from django import template
from django.http import HttpRequest
from django.template.context import Context
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

register = template.Library()


@dataclass(frozen=True, slots=True)
class Section:
    """One entry of the site's navigation; ``url_name`` is the section's first page, ``also`` are
    pages that belong to it at other addresses.
    """

    url_name: str
    label: str | Promise
    staff_only: bool = False
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SectionLink:
    """A section as one reader sees it on one page; ``current`` is an ``aria-current`` value."""

    href: str
    label: str | Promise
    staff_only: bool
    current: str


SECTIONS = (
    Section("board_list", _("Leaderboard")),
    Section(
        "vote",
        pgettext_lazy("verb", "Vote"),
        also=("rate_answer", "live_battle", "side_by_side", "direct_chat", "my_votes"),
    ),
    Section("question_list", _("Questions")),
    Section("battle_list", _("Battles")),
    Section("model_list", _("Models")),
    Section("judge_list", _("Judges")),
    Section("benchmark_board", _("Benchmarks")),
    Section("speed_list", _("Speed"), staff_only=True),
    Section("run_list", _("Runs"), staff_only=True),
    Section("console", _("Console"), staff_only=True),
)


@register.simple_tag
def url_if(url_name: str, *args: object, **kwargs: object) -> str:
    """The address of ``url_name``, or an empty string where no such page is installed."""
    try:
        return reverse(url_name, args=args or None, kwargs=kwargs or None)
    except NoReverseMatch:
        return ""


@register.inclusion_tag("components/_navigation.html", takes_context=True)
def site_navigation(context: Context) -> dict[str, list[SectionLink]]:
    """The sections that this reader may open, with the present one marked."""
    request: HttpRequest | None = context.get("request")
    user = getattr(request, "user", None)
    is_staff = bool(user is not None and user.is_staff)
    path = request.path if request else ""
    links = []
    for section in SECTIONS:
        href = url_if(section.url_name)
        if href and (is_staff or not section.staff_only):
            current = _current(path, href)
            if not current and any(_current(path, url_if(name)) for name in section.also):
                current = "true"
            links.append(SectionLink(href, section.label, section.staff_only, current))
    return {"links": links}


def _current(path: str, href: str) -> str:
    if path == href:
        return "page"
    return "true" if href not in ("", "/") and path.startswith(href.rstrip("/") + "/") else ""


@register.simple_tag
def icon(name: str) -> SafeString:
    """A decorative line drawing from the sprite; the text beside it carries the meaning."""
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><use href="{}#{}"/></svg>',
        static("agon/icons.svg"),
        name,
    )
