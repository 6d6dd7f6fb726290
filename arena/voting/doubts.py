"""What speaks against counting a vote when it is cast: floods, and reading nobody can do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from arena.models import VotingPolicy
from arena.voting.facts import FACTS
from arena.voting.policy import current_policy
from arena.voting.reading import minimum_reading_s
from arena.voting.statements import fast_cursor


@dataclass(frozen=True, slots=True)
class Activity:
    """What else this voter, and this address, did within a day: ballots closed, on any kind of
    battle.
    """

    last_minute: int
    last_hour: int
    last_day: int
    last_closed_at: dt.datetime | None
    from_address: int
    same_battle_from_address: bool


# columns and a table instead of a statement of their own: they are read before every vote. What was
# closed more than a day ago was so before any ballot that is still open was drawn. The account of a
# voter is looked up, not joined, or a server without statistics begins with all that have none.
ACTIVITY_COLUMNS = """
  lately.in_minute, lately.in_hour, lately.in_day, lately.last_closed_at,
  (SELECT COUNT(*) FROM (
     SELECT 1 FROM arena_ballot WHERE address_key = %(address)s AND closed_at > %(hour)s
     LIMIT %(limit)s) AS recent),
  EXISTS (
     SELECT 1 FROM arena_ballot AS other
     WHERE other.battle_id = {battle} AND other.address_key = %(address)s
       AND other.status = 'voted' AND other.voter_id <> {voter}
       AND (SELECT user_id FROM arena_voter WHERE id = other.voter_id) IS NULL)
"""
ACTIVITY_TABLE = """(
  SELECT COUNT(*) FILTER (WHERE closed_at > %(minute)s) AS in_minute,
    COUNT(*) FILTER (WHERE closed_at > %(hour)s) AS in_hour,
    COUNT(*) AS in_day, MAX(closed_at) AS last_closed_at
  FROM arena_ballot WHERE voter_id = {voter} AND closed_at > %(day)s) AS lately"""
_ACTIVITY = "SELECT {} FROM {}".format(
    ACTIVITY_COLUMNS.format(voter="%(voter)s", battle="%(battle)s"),
    ACTIVITY_TABLE.format(voter="%(voter)s"),
)


def activity_values(address_key: str, now: dt.datetime) -> dict[str, Any]:
    """What ``ACTIVITY_COLUMNS`` are asked with; counts of the address stop at its cap."""

    def ago(**length: float) -> Any:  # text or a datetime, as the database wants it
        return connection.ops.adapt_datetimefield_value(now - dt.timedelta(**length))

    return {
        # an unknown address has an empty key, which no stored ballot is to be matched with
        "address": address_key or "unknown",
        "limit": current_policy().marked_votes_per_address_and_hour,
        "minute": ago(minutes=1),
        "hour": ago(hours=1),
        "day": ago(days=1),
    }


def activity_of(row: Sequence[Any]) -> Activity:
    """From the values of ``ACTIVITY_COLUMNS``."""
    minute, hour, day, last, here, same = row
    if isinstance(last, str):
        last = dt.datetime.fromisoformat(last).replace(tzinfo=dt.UTC)
    return Activity(minute, hour, day, last, here, bool(same))


def activity(*, voter_id: int, address_key: str, battle_id: int, now: dt.datetime) -> Activity:
    """Read in one statement."""
    values = activity_values(address_key, now) | {"voter": voter_id, "battle": battle_id}
    with fast_cursor() as cursor:
        cursor.execute(_ACTIVITY, values)
        return activity_of(cursor.fetchone())


def is_beyond_caps(policy: VotingPolicy, lately: Activity) -> bool:
    """More votes than one person, or one address, is believed to cast."""
    return (
        lately.last_hour >= policy.marked_votes_per_hour
        or lately.last_day >= policy.marked_votes_per_day
        or lately.from_address >= policy.marked_votes_per_address_and_hour
    )


def fastest_reading_s(policy: VotingPolicy, answer_ids: Iterable[int | None]) -> float:
    """Seconds below which these answers cannot have been read."""
    ids = [pk for pk in answer_ids if pk is not None]
    return minimum_reading_s(
        sum(fact.reading_weight for fact in FACTS.of(ids).values()),
        characters_per_second=policy.characters_per_second,
        at_least_s=policy.minimum_reading_s,
    )
