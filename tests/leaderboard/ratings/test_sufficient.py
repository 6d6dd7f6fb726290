"""The live board equals the full refit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaderboard.ratings import METHODS, Comparisons, ComparisonsError
from leaderboard.ratings.sufficient import LiveBradleyTerry

BT = METHODS.get("bradley_terry")
BATTLES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(0, 3)), min_size=1, max_size=40
)


def comparisons(battles: list[tuple[int, int, int]]) -> Comparisons:
    a = np.array([first for first, _, _ in battles])
    b = np.array([(first + step) % 4 for first, step, _ in battles])
    return Comparisons(
        models=tuple("abcd"), model_a=a, model_b=b, outcome=[outcome for *_, outcome in battles]
    )


@given(BATTLES)
@settings(max_examples=60, deadline=None)
def test_votes_one_by_one_equal_the_full_refit(battles: list[tuple[int, int, int]]) -> None:
    live = LiveBradleyTerry(tuple("abcd"))
    for first, step, outcome in battles:
        live.add("abcd"[first], "abcd"[(first + step) % 4], outcome)
        live.ratings()
    expected = BT.fit(comparisons(battles))
    np.testing.assert_allclose(live.ratings().rating, expected.rating, atol=1e-6)
    assert live.ratings().component.tolist() == expected.component.tolist()


def test_one_more_vote_equals_the_full_refit(quartet: Comparisons) -> None:
    live = LiveBradleyTerry.of(quartet)
    live.ratings()
    live.add("model-3", "model-0", 0)
    more = quartet.select(np.arange(len(quartet)))
    more = Comparisons(
        models=quartet.models,
        model_a=np.append(more.model_a, 3),
        model_b=np.append(more.model_b, 0),
        outcome=np.append(more.outcome, 0),
    )
    np.testing.assert_allclose(live.ratings().rating, BT.fit(more).rating, atol=1e-6)


def test_a_warm_refit_takes_few_newton_steps(quartet: Comparisons) -> None:
    live = LiveBradleyTerry.of(quartet)
    live.ratings()
    live.add("model-3", "model-0", 0)
    assert live.ratings().steps <= 3


def test_stored_ratings_spare_the_next_refit_its_steps(quartet: Comparisons) -> None:
    live = LiveBradleyTerry.of(quartet)
    now = live.ratings()
    again = LiveBradleyTerry.from_totals(live.models, live.totals)
    again.start_from(dict(zip(now.models, now.rating.tolist(), strict=True)))
    again.add("model-3", "model-0", 0)
    assert again.ratings().steps <= 3 < LiveBradleyTerry.of(quartet).ratings().steps


def test_a_removed_vote_leaves_no_trace(quartet: Comparisons) -> None:
    live = LiveBradleyTerry.of(quartet)
    before = live.ratings().rating
    live.add("model-3", "model-0", 0, weight=2.5)
    live.remove("model-3", "model-0", 0, weight=2.5)
    np.testing.assert_allclose(live.ratings().rating, before, atol=1e-9)


def test_removing_a_vote_that_was_never_counted_is_refused() -> None:
    with pytest.raises(ComparisonsError, match="none can be removed"):
        LiveBradleyTerry(("a", "b")).remove("a", "b", 0)


def test_stored_totals_carry_on_where_they_were(quartet: Comparisons) -> None:
    live = LiveBradleyTerry.of(quartet)
    again = LiveBradleyTerry.from_totals(live.models, live.totals)
    np.testing.assert_allclose(again.ratings().rating, live.ratings().rating, atol=1e-9)


def test_totals_of_another_shape_are_refused() -> None:
    with pytest.raises(ComparisonsError, match="rebuild them"):
        LiveBradleyTerry.from_totals(("a", "b"), np.zeros((3, 3, 3, 4)))


def test_a_model_can_join(quartet: Comparisons) -> None:
    live = LiveBradleyTerry.of(quartet)
    live.ratings()
    live.add_model("new")
    assert np.isnan(live.ratings().rating[4])
    live.add("new", "model-0", 1)
    live.add("new", "model-0", 0)
    assert np.isfinite(live.ratings().rating[4])
