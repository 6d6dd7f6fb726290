"""The first page, however much is stored."""

import pytest

from arena import keeping, tasks
from arena.models import Vote
from arena.selectors.home import Totals, home_page

pytestmark = pytest.mark.django_db


@pytest.fixture
def battle(question_set, alpha, beta, make_battle):
    return make_battle(question_set.questions.first(), alpha, beta)


def test_totals_are_those_of_this_moment_where_counting_is_quick(battle):
    for votes in (1, 2):
        Vote.objects.create(battle=battle, outcome="tie")
        assert home_page(is_staff=False).totals == Totals(2, 6, 2, votes)


def test_with_many_votes_they_are_counted_by_a_worker(battle, monkeypatch):
    asked = []
    monkeypatch.setattr(tasks.renew_figures, "delay", asked.append)
    monkeypatch.setattr(keeping, "MANY_VOTES", 0)
    assert home_page(is_staff=False).totals == Totals(2, 6, 2, 0)
    tasks.renew_figures(asked.pop())
    Vote.objects.create(battle=battle, outcome="tie")
    assert home_page(is_staff=False).totals == Totals(2, 6, 2, 0)
    assert asked == []
