"""What the form of the voting policy calls each of its fields."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

POLICY_LABELS: dict[str, str | Promise] = {
    "sampling": _("How pairs are drawn"),
    "model_weights": _("Weights of models"),
    "boost_factor": _("How much more often a new model is drawn"),
    "boost_until_votes": _("A model is new below this many votes"),
    "overlap_share": _("Share of draws that repeat a battle"),
    "overlap_votes": _("Votes at most on a repeated battle"),
    "gold_share": _("Share of draws that are control questions"),
    "gold_failures": _("Failed control questions that mark a voter"),
    "characters_per_second": _("Fastest plausible reading (characters per second)"),
    "minimum_reading_s": _("Shortest plausible reading (seconds)"),
    "refused_votes_per_minute": _("Votes per minute and voter, refused beyond"),
    "marked_votes_per_hour": _("Votes per hour and voter, marked beyond"),
    "marked_votes_per_day": _("Votes per day and voter, marked beyond"),
    "marked_votes_per_address_and_hour": _("Votes per hour and address, marked beyond"),
    "live_prompts_per_minute": _("Live prompts per minute and voter"),
    "live_prompts_per_address_and_minute": _("Live prompts per minute and address"),
    "live_temperature": _("Temperature of live answers"),
    "live_max_tokens": _("Tokens per live answer at most"),
    "moderation": _("Moderation"),
    "moderation_words": _("Refused words"),
    "moderation_endpoint": _("Endpoint that moderates"),
    "moderation_model": _("Model that moderates"),
    "consent_text": _("Consent text of live battles"),
}
