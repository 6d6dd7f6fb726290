"""Storing the votes of battles: each once, a voter's second one marked as a duplicate."""

import datetime as dt
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from django.conf import settings

from arena.dialects.outcomes import mirrored
from arena.dialects.records import OutcomeName, VoteRecord, content_hash
from arena.importing.bulk import insert_rows
from arena.importing.context import ImportContext, moment
from arena.importing.prepared import Prepared, made_key
from arena.models import Exclusion, Vote, Voter

MAX_VOTER_KEY = 120
OTHER_SIDE = {"a": "b", "b": "a", "": ""}


def vote_key(battle: str, vote: VoteRecord) -> str:
    digest = content_hash([battle, vote.voter, vote.outcome, vote.tstamp])
    return made_key(digest, vote.tstamp)


def voter_key(vote: VoteRecord) -> str:
    """The file's own id; a network address only as a hash that nobody without the key can try."""
    if not vote.voter:
        return ""
    if vote.is_address:
        secret = settings.SECRET_KEY.encode()
        return "ip:" + hmac.new(secret, vote.voter.encode(), hashlib.sha256).hexdigest()[:32]
    if len(vote.voter) > MAX_VOTER_KEY:
        return "sha256:" + hashlib.sha256(vote.voter.encode()).hexdigest()
    return vote.voter


@dataclass(slots=True)
class _Ballot:
    """A vote on its way into the database."""

    one: Prepared
    record: VoteRecord
    key: str
    voter_key: str


def store_votes(prepared: Sequence[Prepared], context: ImportContext) -> set[str]:
    """Store the votes that are not there; returns their keys."""
    ballots = {
        ballot.key: ballot
        for ballot in (
            _Ballot(one, vote, vote_key(one.key, vote), voter_key(vote))
            for one in prepared
            for vote in one.record.votes
        )
    }
    there = set(
        Vote.objects.order_by()
        .filter(external_key__in=ballots)
        .values_list("external_key", flat=True)
    )
    voter_ids = _voter_ids(ballots.values())
    cast = _cast_already([one for one in prepared if not one.is_new])
    new: dict[str, dict[str, Any]] = {}
    for key, ballot in ballots.items():
        voter_id = voter_ids.get(ballot.voter_key)
        when = _time_of(ballot, context)
        battle_id = ballot.one.row_id
        if key in there or (battle_id, voter_id, _outcome(ballot), when) in cast.identities:
            continue
        # a second vote of the same voter on the same battle is kept and not counted
        is_second = voter_id is not None and (battle_id, voter_id) in cast.by_voter
        if voter_id is not None:
            cast.by_voter.add((battle_id, voter_id))
        new[key] = _columns(ballot, None if is_second else voter_id, when)
        if is_second:
            new[key]["exclusion"] = Exclusion.DUPLICATE.value
    insert_rows(Vote, list(new.values()))
    return set(new)


VoteIdentity: TypeAlias = tuple[int, int | None, str, dt.datetime]


@dataclass(slots=True)
class _Cast:
    """Votes that stand already."""

    identities: set[VoteIdentity] = field(default_factory=set)
    by_voter: set[tuple[int, int]] = field(default_factory=set)


def _voter_ids(ballots: Iterable[_Ballot]) -> dict[str, int]:
    wanted: dict[str, _Ballot] = {}
    for ballot in ballots:
        if ballot.voter_key:
            wanted.setdefault(ballot.voter_key, ballot)
    ids = dict(Voter.objects.filter(key__in=wanted).values_list("key", "id"))
    new = {key: ballot.record for key, ballot in wanted.items() if key not in ids}
    made = insert_rows(
        Voter,
        [
            {"key": key, "is_expert": vote.is_expert, "is_demo": vote.source == "demo"}
            for key, vote in new.items()
        ],
    )
    return ids | dict(zip(new, made, strict=True))


def _cast_already(prepared: Sequence[Prepared]) -> _Cast:
    """The votes of battles that were there before; those cast here carry no key."""
    cast = _Cast()
    ids = {one.row_id for one in prepared}
    rows = (
        Vote.objects.order_by()
        .filter(battle_id__in=ids)
        .values_list("battle_id", "voter_id", "outcome", "created_at")
    )
    for battle_id, voter_id, outcome, created_at in rows:
        cast.identities.add((battle_id, voter_id, outcome, created_at))
        if voter_id is not None:
            cast.by_voter.add((battle_id, voter_id))
    return cast


def _outcome(ballot: _Ballot) -> OutcomeName:
    """In terms of the sides as the battle has them."""
    outcome = ballot.record.outcome
    return mirrored(outcome) if ballot.one.is_exchanged else outcome


def _time_of(ballot: _Ballot, context: ImportContext) -> dt.datetime:
    tstamp = ballot.record.tstamp
    return moment(ballot.one.record.tstamp if tstamp is None else tstamp) or context.now


def _columns(ballot: _Ballot, voter_id: int | None, when: dt.datetime) -> dict[str, Any]:
    record, is_exchanged = ballot.record, ballot.one.is_exchanged
    shown_first = record.shown_first
    return {
        "battle_id": ballot.one.row_id,
        "voter_id": voter_id,
        "outcome": _outcome(ballot),
        "source": record.source,
        "shown_first": OTHER_SIDE[shown_first] if is_exchanged else shown_first,
        "draw_probability": record.draw_probability,
        "strength": record.strength,
        "reasons": record.reasons,
        "exclusion": record.exclusion,
        "external_key": ballot.key,
        "created_at": when,
    }
