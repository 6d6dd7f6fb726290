"""Text that came from outside, made fit to show."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from arena.models.question import ContentPart
from arena.rendering import (
    FIRST_HEADING_LEVEL,
    is_shown_as_image,
    is_too_long,
    render_markdown,
)
from arena.vocabulary import category_label, dimension_label, language_label

register = template.Library()


@register.filter(name="markdown")
def as_markdown(text: str | None, first_heading: int = FIRST_HEADING_LEVEL) -> SafeString:
    """Markdown as safe HTML; a very long text is shown as it is, and says so."""
    body = mark_safe(render_markdown(text or "", first_heading=first_heading))
    if not is_too_long(text or ""):
        return body
    note = _("This text is too long to format; it is shown as written.")
    return format_html('<p class="faint small">{}</p>{}', note, body)


@register.inclusion_tag("components/_content_parts.html")
def content_parts(parts: list[ContentPart]) -> dict[str, object]:
    """One user turn: its texts as Markdown, its images where they are our own, else as links."""
    shown = [
        {**part, "is_image": is_shown_as_image(part["url"])} if part.get("url") else part
        for part in parts
    ]
    return {"parts": shown}


@register.filter
def translated(text: str) -> str:
    """A stored text in the reader's language where the program brought it, else as it is."""
    return _(text) if text else ""


register.filter("category_label", category_label)
register.filter("dimension_label", dimension_label)
register.filter("language_label", language_label)


@register.filter
def language_code(language: str) -> str:
    """A question's language as an HTML ``lang`` value, so that the right fonts are chosen."""
    return {"zh": "zh-Hans"}.get(language, language)
