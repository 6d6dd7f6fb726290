"""Text that came from outside, made fit to show."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from arena.rendering import is_too_long, render_markdown

register = template.Library()


@register.filter(name="markdown")
def as_markdown(text: str | None) -> SafeString:
    """Markdown as safe HTML; a very long text is shown as it is, and says so."""
    body = mark_safe(render_markdown(text or ""))
    if not is_too_long(text or ""):
        return body
    note = _("This text is too long to format; it is shown as written.")
    return format_html('<p class="faint small">{}</p>{}', note, body)
