"""One answer, hidden model, one to five."""

import datetime as dt
import math
import re

import numpy as np
import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from arena.models import Answer, SatisfactionRating, Voter
from arena.voting.clustered import clustered_mean
from arena.voting.satisfaction import satisfaction_by_model


def labels(*values):
    return np.array(values, dtype=np.int64)


def test_every_score_its_own_cluster_gives_the_ordinary_standard_error():
    scores = np.array([1.0, 2, 4, 5, 3, 5])
    own = np.arange(6)
    figure = clustered_mean(scores, own, own)
    half = 2.570582 * scores.std(ddof=1) / math.sqrt(6)  # t(0.975, 5)
    assert figure.upper - figure.mean == pytest.approx(half, rel=1e-5)


def test_repeating_every_score_within_its_cluster_does_not_narrow_the_interval():
    scores, own = np.array([1.0, 2, 4, 5, 3, 5]), np.arange(6)
    once = clustered_mean(scores, own, own)
    thrice = clustered_mean(np.repeat(scores, 3), np.repeat(own, 3), np.repeat(own, 3))
    assert thrice.upper - thrice.lower == pytest.approx(once.upper - once.lower)


def test_one_voter_alone_has_no_interval():
    figure = clustered_mean(np.array([4.0, 5.0]), labels(1, 1), labels(1, 2))
    assert figure.mean == 4.5
    assert math.isnan(figure.lower)


def test_scores_that_are_all_alike_have_no_interval():
    figure = clustered_mean(np.array([4.0, 4.0, 4.0]), labels(1, 2, 3), labels(1, 2, 3))
    assert figure.mean == 4
    assert math.isnan(figure.lower)


def test_the_interval_covers_the_truth_as_often_as_it_says_under_crossed_effects():
    random = np.random.default_rng(8)
    voters, questions = np.divmod(np.arange(30 * 30), 30)
    covered = 0
    for _ in range(400):
        scores = (
            3
            + 0.6 * random.normal(size=30)[voters]
            + 0.6 * random.normal(size=30)[questions]
            + random.normal(size=900)
        )
        figure = clustered_mean(scores, voters, questions)
        covered += figure.lower <= 3 <= figure.upper
    assert 0.92 <= covered / 400 <= 0.99


def token_of(page):
    return re.search(r'name="token" value="([^"]+)"', page.text).group(1)


@pytest.mark.django_db
class TestRating:
    def test_a_rating_is_stored_once_and_the_name_told_after_it(self, stored_answers, client):
        page = client.get(reverse("rate_answer"))
        assert not any(name in page.text for name in ("Alpha", "Beta", "Gamma"))
        fields = {"token": token_of(page), "score": "4", "reasons": ["clear"]}
        after = client.post(reverse("rate_answer"), fields, follow=True)
        rating = SatisfactionRating.objects.get(score__isnull=False)
        assert (rating.score, rating.reasons) == (4, ["clear"])
        assert rating.answer.model.display_name in after.text

    def test_a_rating_that_is_left_out_is_told_as_not_counted(self, stored_answers, client, policy):
        policy(minimum_reading_s=0, characters_per_second=1e9)
        for minimum, told in ((0, "1 rating, thank you"), (1000, "1 not counted")):
            policy(minimum_reading_s=minimum)
            assert "not counted" not in client.get(reverse("rate_answer")).text
            token = token_of(client.get(reverse("rate_answer")))
            fields = {"token": token, "score": "4"}
            assert told in client.post(reverse("rate_answer"), fields, follow=True).text
        assert "2 ratings, thank you" in client.get(reverse("rate_answer")).text

    def test_a_second_rating_with_the_same_token_is_refused(self, stored_answers, client):
        token = token_of(client.get(reverse("rate_answer")))
        for score in ("4", "1"):
            client.post(reverse("rate_answer"), {"token": token, "score": score})
        assert SatisfactionRating.objects.get(token=token).score == 4

    def test_the_last_answer_of_many_is_found(
        self, stored_answers, question_set, alpha, make_answer, client
    ):
        for number in range(60):
            question = question_set.questions.create(external_id=f"more-{number}", turns=[])
            make_answer(alpha, question, f"Number {number}.")
        client.get(reverse("rate_answer"))
        open_one = SatisfactionRating.objects.get()
        *rated, last = Answer.objects.exclude(pk=open_one.answer_id)
        last_week = timezone.now() - dt.timedelta(days=7)
        for answer in rated:
            SatisfactionRating.objects.create(
                voter=open_one.voter, answer=answer, score=3, rated_at=last_week
            )
        for answer in (open_one.answer, last):
            page = client.get(reverse("rate_answer"))
            assert SatisfactionRating.objects.get(score=None).answer == answer
            client.post(reverse("rate_answer"), {"token": token_of(page), "score": "4"})
        assert "no answer left that you have not rated" in client.get(reverse("rate_answer")).text

    def test_an_interval_stays_within_the_scale(self, stored_answers, alpha):
        for number, (score, answer) in enumerate(zip((5, 3), alpha.answers.all(), strict=False)):
            voter = Voter.objects.create(key=f"v{number}")
            SatisfactionRating.objects.create(
                voter=voter, answer=answer, score=score, rated_at=timezone.now()
            )
        (row,) = satisfaction_by_model()
        assert (row.figure.lower, row.figure.mean, row.figure.upper) == (1, 4, 5)

    def test_an_empty_arena_thanks_nobody_for_having_rated_all(self, client):
        page = client.get(reverse("rate_answer")).text
        assert "Nothing to rate yet" in page
        assert "Thank you" not in page

    def test_the_voter_is_thanked_and_told_how_many(self, stored_answers, client):
        token = token_of(client.get(reverse("rate_answer")))
        after = client.post(reverse("rate_answer"), {"token": token, "score": "4"}, follow=True)
        assert "1 rating, thank you" in after.text

    def test_a_foreign_token_is_refused(self, stored_answers, client, mallory):
        token = token_of(client.get(reverse("rate_answer")))
        mallory.client.get(reverse("rate_answer"))
        mallory.client.post(reverse("rate_answer"), {"token": token, "score": "1"})
        assert SatisfactionRating.objects.get(token=token).score is None

    def test_a_reload_shows_the_same_answer(self, stored_answers, client):
        first, second = (token_of(client.get(reverse("rate_answer"))) for _ in range(2))
        assert first == second

    def test_a_score_outside_the_scale_is_forbidden(self, stored_answers, client):
        client.get(reverse("rate_answer"))
        with pytest.raises(IntegrityError), transaction.atomic():
            SatisfactionRating.objects.update(score=6, rated_at="2026-01-01T00:00Z")

    def test_a_flood_of_ratings_is_refused_and_the_answer_kept(
        self, stored_answers, client, policy
    ):
        policy(refused_votes_per_minute=1)
        for _ in range(2):
            token = token_of(client.get(reverse("rate_answer")))
            page = client.post(reverse("rate_answer"), {"token": token, "score": "4"}, follow=True)
        assert "That was very fast" in page.text
        assert SatisfactionRating.objects.get(token=token).score is None

    @pytest.mark.parametrize("cap", ["marked_votes_per_hour", "marked_votes_per_address_and_hour"])
    def test_ratings_beyond_a_cap_are_marked_and_counted_as_left_out(
        self, stored_answers, client, policy, cap
    ):
        policy(**{cap: 1})
        for _ in range(2):
            token = token_of(client.get(reverse("rate_answer")))
            client.post(reverse("rate_answer"), {"token": token, "score": "4"})
        marks = SatisfactionRating.objects.order_by("id").values_list("exclusion", flat=True)
        assert list(marks)[:2] == ["", "rate_limited"]
        assert "too many votes" in client.get(reverse("satisfaction")).text

    @pytest.mark.parametrize(("address", "mark"), [("198.51.100.7", "duplicate"), ("::1", "")])
    def test_the_same_answer_again_from_the_same_address_is_a_duplicate(
        self, two_replies, new_browser, address, mark
    ):
        two_replies("one", "two")
        for browser in (new_browser("198.51.100.7"), new_browser(address)):
            for _ in range(2):
                token = token_of(browser.client.get(reverse("rate_answer")))
                browser.client.post(reverse("rate_answer"), {"token": token, "score": "4"})
        marks = SatisfactionRating.objects.order_by("id").values_list("exclusion", flat=True)
        assert list(marks) == ["", "", mark, mark]

    def test_means_are_by_model_and_marked_ratings_do_not_count(
        self, stored_answers, alpha, new_browser
    ):
        answer = alpha.answers.first()
        for score in (2, 4, 5):
            new_browser().page()
            voter = Voter.objects.order_by("-id").first()
            SatisfactionRating.objects.create(
                voter=voter,
                answer=answer,
                score=score,
                rated_at="2026-01-01T00:00Z",
                exclusion="too_fast" if score == 2 else "",
            )
        row = satisfaction_by_model()[0]
        assert (row.model, row.figure.mean, row.figure.scores) == (alpha, 4.5, 2)

    def test_the_results_are_public(self, stored_answers, client):
        assert client.get(reverse("satisfaction")).status_code == 200
