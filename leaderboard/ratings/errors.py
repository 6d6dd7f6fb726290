"""What all refusals of rating methods have in common."""


class RatingError(ValueError):
    """The data do not allow what was asked of them; the sentence says what to change."""
