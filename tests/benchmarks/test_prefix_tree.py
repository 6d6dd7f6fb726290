"""The plan over shared prefixes: every token once, every read once, whatever the shapes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.engine.encoding import EncodedPair
from benchmarks.engine.prefix_tree import batches, build_tree, plain_rows, plan_rows, split_row


def pair(inputs, reads):
    array = np.asarray(inputs, dtype=np.int32)
    return EncodedPair(array, np.arange(reads, dtype=np.int32))


def rows_with_prefix(trunk, above=()):
    """Every row, and its tokens' full context from the trunks above."""
    prefix = above
    if trunk.row is not None:
        yield trunk.row, above
        prefix = (*above, *trunk.row.tokens.tolist())
    for row in trunk.rows:
        yield row, prefix
    for child in trunk.children:
        yield from rows_with_prefix(child, prefix)


def context_of(row, offset, prefix):
    """The tokens that the token at ``offset`` of a row sees, itself included."""
    at = next(i for i, piece in enumerate(row.pieces) if piece.start <= offset < piece.end)
    seen = row.tokens[row.pieces[at].start : offset + 1].tolist()
    while row.pieces[at].parent >= 0:
        at = row.pieces[at].parent
        seen = row.tokens[row.pieces[at].start : row.pieces[at].end].tolist() + seen
    return [*prefix, *seen]


def read_contexts(rows):
    """(pair, target index) → context of the position that is read."""
    found = {}
    for row, prefix in rows:
        for read in row.reads:
            for step in range(read.count):
                key = (read.pair, read.first_target + step)
                assert key not in found, "a position is read twice"
                found[key] = context_of(row, read.offset + step, prefix)
    return found


def expected_contexts(pairs):
    return {
        (index, target): each.inputs[: len(each.inputs) - len(each.targets) + target + 1].tolist()
        for index, each in enumerate(pairs)
        for target in range(len(each.targets))
    }


prefixes = st.lists(st.integers(0, 2), min_size=1, max_size=80)


@st.composite
def pair_lists(draw):
    shared = draw(st.lists(st.integers(0, 3), max_size=150))
    pairs = []
    for _ in range(draw(st.integers(1, 12))):
        cut = draw(st.integers(0, len(shared)))
        inputs = shared[:cut] + draw(prefixes)
        pairs.append(pair(inputs, draw(st.integers(1, len(inputs)))))
    return pairs


@settings(max_examples=150)
@given(pair_lists())
def test_every_target_is_read_once_in_its_own_context(pairs):
    plan = plan_rows(build_tree(pairs))
    assert read_contexts(rows_with_prefix(plan)) == expected_contexts(pairs)


@settings(max_examples=50)
@given(pair_lists())
def test_splitting_rows_for_memory_loses_no_read(pairs):
    plan = plan_rows(build_tree(pairs))
    split = [(part, pre) for row, pre in rows_with_prefix(plan) for part in split_row(row)]
    assert read_contexts(split) == expected_contexts(pairs)


@settings(max_examples=50)
@given(pair_lists())
def test_without_sharing_each_distinct_input_is_a_row(pairs):
    plan = plain_rows(pairs)
    assert len(plan.rows) == len({p.inputs.tobytes() for p in pairs})
    assert read_contexts(rows_with_prefix(plan)) == expected_contexts(pairs)


def few_shot_pairs(questions=50, shots=200, tail=40, choices=4):
    rng = np.random.default_rng(0)
    prefix = rng.integers(0, 1000, shots)
    made = []
    for number in range(questions):
        question = np.concatenate([[1000 + number], rng.integers(0, 1000, tail - 1)])
        for _ in range(choices):
            end = rng.integers(0, 1000, 6)
            made.append(pair(np.concatenate([prefix, question, end]), 7))
    return made


def test_a_few_shot_prefix_is_one_trunk_and_choices_share_a_row():
    plan = plan_rows(build_tree(few_shot_pairs()))
    (trunk,) = plan.children
    assert trunk.length == 200
    assert len(trunk.rows) == 50
    assert all(len(row) == 40 + 4 * 6 for row in trunk.rows)


def test_prefixes_shared_by_chance_do_not_split_batches():
    rng = np.random.default_rng(1)
    pairs = [pair(np.concatenate([[1], rng.integers(0, 9, 300)]), 1) for _ in range(40)]
    plan = plan_rows(build_tree(pairs))
    assert not plan.children
    assert len(plan.rows) == 40


def test_batches_keep_both_budgets_and_like_lengths_together():
    plan = plan_rows(build_tree(few_shot_pairs(questions=30, shots=0)))
    made = batches(plan.rows, token_budget=512, read_budget=200)
    assert sum(len(batch) for batch in made) == 30
    assert all(len(b) * max(len(r) for r in b) <= 512 for b in made)
    assert all(sum(read.count for r in b for read in r.reads) <= 200 for b in made)


def test_a_row_larger_than_the_budget_still_runs_alone():
    plan = plan_rows(build_tree([pair(list(range(100)), 1)]))
    assert len(batches(plan.rows, token_budget=10, read_budget=10)) == 1


@pytest.mark.parametrize("pairs", [[], [pair([5], 1)]])
def test_nothing_and_a_single_token_are_plans_too(pairs):
    assert len(read_contexts(rows_with_prefix(plan_rows(build_tree(pairs))))) == len(pairs)
