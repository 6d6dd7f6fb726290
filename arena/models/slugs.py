"""What the names of models, question sets and judges may look like in addresses."""

from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

# model names carry dots and colons ("gpt-3.5-turbo", "qwen2.5:7b"), which Django's slugs refuse
validate_slug = RegexValidator(
    r"^[\w.+:@-]+\Z", _("Use letters, digits and . _ + : @ - without spaces or slashes.")
)
