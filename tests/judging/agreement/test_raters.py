import numpy as np
import pytest

from judging.agreement import (
    Scale,
    agreement,
    alpha_of_counts,
    cohen_kappa,
    compare_raters,
    estimates,
    krippendorff_alpha,
    proportion,
)
from judging.agreement.estimates import wilson_interval
from judging.verdicts import Outcome

A, B, TIE, BAD = Outcome.MODEL_A, Outcome.MODEL_B, Outcome.TIE, Outcome.BOTH_BAD

# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", example C/D: 4 observers.
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]
UNITS = [list(unit) for unit in zip(*OBSERVERS, strict=True)]


def test_agreement_with_ties_counts_equal_outcomes():
    estimate = agreement([A, B, TIE, A], [A, TIE, TIE, B], "abcd")
    assert estimate.value == 0.5


def test_agreement_without_ties_looks_only_at_what_both_decided():
    estimate = agreement([A, B, TIE, A], [A, TIE, TIE, B], "abcd", ties="drop")
    assert (estimate.value, estimate.n) == (0.5, 2)


def test_both_bad_agrees_with_a_tie():
    assert agreement([BAD, BAD], [TIE, A], "ab").value == 0.5


def test_random_raters_agree_by_a_half_without_ties_and_a_third_with_them():
    generator = np.random.default_rng(1)
    first, second = (
        [(A, B, TIE)[code] for code in generator.integers(0, 3, 6_000)] for _ in range(2)
    )
    with_ties = agreement(first, second, range(6_000), rounds=200)
    without = agreement(first, second, range(6_000), ties="drop", rounds=200)
    assert with_ties.lower < 1 / 3 < with_ties.upper
    assert without.lower < 1 / 2 < without.upper


def test_kappa_equals_a_textbook_example():
    """20 and 15 agreements, 5 and 10 disagreements: p_o = 0.7, p_e = 0.5."""
    first = [A] * 25 + [B] * 25
    second = [A] * 20 + [B] * 5 + [A] * 10 + [B] * 15
    assert cohen_kappa(first, second, range(50)).value == pytest.approx(0.4)


def test_kappa_is_one_for_equal_raters_and_about_zero_for_independent_ones():
    generator = np.random.default_rng(2)
    first, second = ([(A, B, TIE)[code] for code in generator.integers(0, 3, 3_000)] for _ in "12")
    assert cohen_kappa(first, first, range(3_000), rounds=10).value == pytest.approx(1)
    independent = cohen_kappa(first, second, range(3_000), rounds=300)
    assert independent.lower < 0 < independent.upper


def test_kappa_of_raters_who_always_say_the_same_is_undefined():
    assert cohen_kappa([A, A], [A, A], "ab").value is None


@pytest.mark.parametrize(
    ("scale", "published"),
    [(Scale.NOMINAL, 0.743), (Scale.ORDINAL, 0.815), (Scale.INTERVAL, 0.849)],
)
def test_alpha_equals_the_published_example(scale, published):
    estimate = krippendorff_alpha(UNITS, scale=scale)
    assert estimate.value == pytest.approx(published, abs=5e-4)
    assert estimate.lower < published < estimate.upper


def test_alpha_leaves_out_units_that_only_one_rater_saw():
    assert krippendorff_alpha(UNITS).n_clusters == 11
    assert krippendorff_alpha(UNITS).n == 40


def test_alpha_of_raters_who_never_differ_from_one_value_is_undefined():
    assert krippendorff_alpha([[1, 1], [1, 1]]).value is None
    assert krippendorff_alpha([[1, None]]).value is None


def test_alpha_does_not_depend_on_the_names_of_nominal_codes():
    renamed = [[None if value is None else -7 * value for value in unit] for unit in UNITS]
    assert krippendorff_alpha(renamed).value == pytest.approx(krippendorff_alpha(UNITS).value)


def test_counted_pairs_give_what_single_ones_give():
    """Tables by cluster against columns of outcomes: the same values, and intervals as wide."""
    generator = np.random.default_rng(4)
    codes = (A, B, TIE, BAD)
    clusters = generator.integers(0, 60, 1_500)
    first = [codes[code] for code in generator.integers(0, 4, 1_500)]
    second = [
        outcome if same else codes[code]
        for outcome, same, code in zip(
            first, generator.random(1_500) < 0.5, generator.integers(0, 4, 1_500), strict=True
        )
    ]
    tables = np.zeros((60, 3, 3))
    place = {A: 0, B: 1, TIE: 2, BAD: 2}
    for cluster, one, other in zip(clusters, first, second, strict=True):
        tables[cluster, place[one], place[other]] += 1
    both = compare_raters(tables)
    for counted, single in (
        (both.with_ties, agreement(first, second, clusters)),
        (both.without_ties, agreement(first, second, clusters, ties="drop")),
        (both.kappa, cohen_kappa(first, second, clusters)),
    ):
        assert counted.value == pytest.approx(single.value)
        assert (counted.n, counted.n_clusters) == (single.n, single.n_clusters)
        width = single.upper - single.lower
        assert counted.upper - counted.lower == pytest.approx(width, rel=0.15)


def test_counted_raters_who_never_differ_are_not_certain():
    tables = np.zeros((9, 3, 3))
    tables[:, 0, 0] = 1
    assert compare_raters(tables).with_ties.lower < 0.75


def test_coefficients_of_raters_who_never_differ_are_not_certain():
    """What Wilson's interval of eight agreements leaves open, over what chance would give."""
    open_ = 1 - wilson_interval(1.0, 8)[0]
    outcomes = [A, B] * 4
    kappa = cohen_kappa(outcomes, outcomes, range(8))
    assert (kappa.lower, kappa.upper) == (pytest.approx(1 - open_ / 0.5), 1.0)
    tables = np.zeros((8, 3, 3))
    tables[::2, 0, 0] = tables[1::2, 1, 1] = 1
    assert compare_raters(tables).kappa == kappa
    alpha = krippendorff_alpha([[1, 1], [2, 2]] * 4)
    # 16 ratings, half of them each: 8 of the 15 others differ
    assert (alpha.lower, alpha.upper) == (pytest.approx(1 - open_ / (8 / 15)), 1.0)


def test_clusters_without_any_pair_change_nothing():
    tables = np.random.default_rng(6).integers(0, 3, (30, 3, 3)).astype(float)
    padded = np.concatenate((tables, np.zeros((60, 3, 3))))
    assert compare_raters(padded) == compare_raters(tables)


def test_alpha_resamples_whole_clusters_of_units():
    """Units of a cluster are copies of each other, so ten clusters are worth ten units."""
    counts = np.random.default_rng(7).integers(1, 4, (10, 3)).astype(float)
    copies, clusters = np.repeat(counts, 8, axis=0), np.repeat(np.arange(10), 8)
    once = alpha_of_counts(counts, rounds=2_000)
    clustered = alpha_of_counts(copies, clusters=clusters, rounds=2_000)
    apart = alpha_of_counts(copies, rounds=2_000)
    width = once.upper - once.lower
    assert clustered.n_clusters == 10
    assert clustered.upper - clustered.lower == pytest.approx(width, rel=0.1)
    assert apart.upper - apart.lower < width / 2


def test_without_any_pair_there_is_nothing_to_say():
    assert compare_raters(np.zeros((0, 3, 3))).with_ties.value is None


def test_alpha_of_counts_is_alpha_of_the_ratings():
    counts = np.array([[unit.count(level) for level in (1, 2, 3, 4, 5)] for unit in UNITS])
    assert alpha_of_counts(counts.astype(float)).value == krippendorff_alpha(UNITS).value


def test_clusters_that_add_the_same_may_be_drawn_together(monkeypatch):
    """Many alike clusters: the interval is as wide as when each is drawn for itself."""
    hits = np.random.default_rng(6).random(3_000) < 0.3
    truth = proportion(hits, range(3_000))
    monkeypatch.setattr(estimates, "_MANY_CLUSTERS", 100)
    together = proportion(hits, range(3_000))
    assert together.value == truth.value
    width = truth.upper - truth.lower
    assert together.upper - together.lower == pytest.approx(width, rel=0.1)
