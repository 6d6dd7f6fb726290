from django.db import models
from django.utils.translation import gettext_lazy as _


class LicenseFamily(models.TextChoices):
    PERMISSIVE = "permissive", _("Permissive")
    COPYLEFT = "copyleft", _("Copyleft")
    PUBLIC_DOMAIN = "public_domain", _("Public domain")
    CREATIVE_COMMONS = "creative_commons", _("Creative Commons")
    RESPONSIBLE_AI = "responsible_ai", _("Responsible AI")
    COMMUNITY = "community", _("Vendor community licence")
    PROPRIETARY = "proprietary", _("Proprietary")
    UNKNOWN = "unknown", _("Unknown")


class CommercialUse(models.TextChoices):
    ALLOWED = "allowed", _("Commercial use allowed")
    CONDITIONAL = "conditional", _("Commercial use under conditions")
    FORBIDDEN = "forbidden", _("No commercial use")
    UNKNOWN = "unknown", _("Unknown")


class License(models.Model):
    """The terms under which a model or a question set may be used.

    ``spdx_id`` is the SPDX identifier, or a ``LicenseRef-`` name where SPDX has none.
    Copyleft asks for the same licence on what is passed on; it does not forbid business.
    """

    spdx_id = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    family = models.CharField(max_length=20, choices=LicenseFamily, default=LicenseFamily.UNKNOWN)
    commercial_use = models.CharField(
        max_length=20, choices=CommercialUse, default=CommercialUse.UNKNOWN
    )
    condition = models.TextField(blank=True)
    url = models.URLField(blank=True)

    class Meta:
        ordering = ("spdx_id",)
        constraints = (
            models.CheckConstraint(
                name="license_conditional_use_states_its_condition",
                condition=~models.Q(commercial_use="conditional") | ~models.Q(condition=""),
            ),
        )

    def __str__(self) -> str:
        return self.spdx_id

    @property
    def is_commercially_usable(self) -> bool:
        """True when business use is possible at all, perhaps under the stated condition."""
        return self.commercial_use in (CommercialUse.ALLOWED, CommercialUse.CONDITIONAL)
