"""Doubtful votes are kept and marked; only floods are refused."""

import datetime as dt

import pytest
from django.utils import timezone

from arena.models import Ballot, Exclusion, Vote
from arena.voting.reading import minimum_reading_s, reading_weight

pytestmark = pytest.mark.django_db


def test_a_vote_faster_than_anyone_reads_is_marked_and_kept(stored_answers, policy, alice):
    policy(minimum_reading_s=3.0)
    assert alice.cast().status_code == 200
    assert Vote.objects.get().exclusion == Exclusion.TOO_FAST


def test_a_vote_after_reading_is_counted(stored_answers, policy, alice):
    policy(minimum_reading_s=3.0)
    token = alice.token()
    Ballot.objects.update(drawn_at=timezone.now() - dt.timedelta(seconds=30))
    alice.cast("left", token)
    assert Vote.objects.get().exclusion == ""


def test_reading_time_of_a_preloaded_battle_runs_from_the_vote_before_it(
    stored_answers, policy, alice
):
    policy(minimum_reading_s=3.0)
    first, now = alice.token(), timezone.now()
    Ballot.objects.update(drawn_at=now - dt.timedelta(seconds=60))
    alice.cast("left", first)
    Ballot.objects.open().update(drawn_at=now - dt.timedelta(seconds=60))
    alice.cast("left")
    second = Vote.objects.order_by("-id").first()
    assert second.exclusion == Exclusion.TOO_FAST
    assert second.ballot.reading_s < 3


def test_a_clock_set_back_gives_no_negative_reading_time(stored_answers, alice):
    token = alice.token()
    Ballot.objects.update(drawn_at=timezone.now() + dt.timedelta(hours=1))
    alice.cast("left", token)
    assert Vote.objects.get().ballot.reading_s == 0


def test_votes_beyond_the_hourly_cap_are_marked_and_kept(stored_answers, policy, alice):
    policy(marked_votes_per_hour=2)
    for _ in range(3):
        alice.cast()
    marks = list(Vote.objects.values_list("exclusion", flat=True))
    assert marks == ["", "", Exclusion.RATE_LIMITED]


def test_a_flood_is_refused_with_the_time_to_wait_and_the_battle_kept(
    stored_answers, policy, alice
):
    policy(refused_votes_per_minute=2)
    for _ in range(2):
        alice.cast()
    token = alice.token()
    refused = alice.cast("left", token)
    assert refused.status_code == 429
    assert refused["Retry-After"] == "60"
    assert Vote.objects.count() == 2
    assert alice.token() == token


def test_skipping_has_the_limit_of_voting(stored_answers, policy, alice):
    policy(refused_votes_per_minute=2)
    answers = [alice.cast("skip").status_code for _ in range(3)]
    assert answers == [200, 200, 429]


def test_many_voters_behind_one_address_are_marked_beyond_its_cap(
    stored_answers, policy, new_browser
):
    policy(marked_votes_per_address_and_hour=2)
    for _ in range(4):
        new_browser("198.51.100.7").cast()
    marks = list(Vote.objects.order_by("pk").values_list("exclusion", flat=True))
    assert marks == ["", "", Exclusion.RATE_LIMITED, Exclusion.RATE_LIMITED]


def test_the_same_battle_again_from_the_same_address_is_a_duplicate(one_battle, new_browser):
    for _ in range(2):
        new_browser("198.51.100.7").cast()
    new_browser("198.51.100.8").cast()
    marks = list(Vote.objects.values_list("exclusion", flat=True))
    assert marks == ["", Exclusion.DUPLICATE, ""]


def test_marked_votes_are_not_counted(stored_answers, policy, alice):
    policy(minimum_reading_s=3.0)
    alice.cast()
    assert not Vote.objects.counted().exists()


def test_reading_time_grows_with_the_text_and_is_capped():
    def seconds(weight):
        return minimum_reading_s(weight, characters_per_second=120, at_least_s=1.5)

    assert seconds(10) == 1.5
    assert seconds(1800) == pytest.approx(1800 / 480)
    assert seconds(200_000) == 12


def test_a_chinese_character_weighs_three_latin_ones():
    assert reading_weight("字" * 600) == reading_weight("x" * 1800)
