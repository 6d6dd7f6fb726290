"""Numbers that may be entered: a validator whose message names the value and the range."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.utils.deconstruct import deconstructible
from django.utils.translation import gettext_lazy as _


@deconstructible
class Within:
    """A number from ``lowest`` to ``highest``, both included."""

    def __init__(self, lowest: float, highest: float) -> None:
        self.lowest, self.highest = lowest, highest

    def __call__(self, value: float) -> None:
        if not self.lowest <= value <= self.highest:
            raise ValidationError(
                _("%(value)s cannot be used here: enter a number from %(lowest)s to %(highest)s."),
                params={"value": value, "lowest": self.lowest, "highest": self.highest},
            )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Within):
            return NotImplemented
        return (self.lowest, self.highest) == (other.lowest, other.highest)

    def __hash__(self) -> int:
        return hash((self.lowest, self.highest))
