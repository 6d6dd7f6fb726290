"""What a run asks for, counted and reached into without listing it."""

import pytest

from judging.services.ledger import Block, Ledger, open_ledger, read_answers
from judging.task_reading import Slot

PAIRS = Block((7, 3, 9, 5), 0, (1, 2), (1, 2), 3)
BASELINE = Block((7, 3, 9), 5, (1, 2), (0,), 1)
SINGLE = Block((7, 3), 0, (1,), (1, 2), 2)
EMPTY = Block((), 0, (1, 2), (1,), 1)
BLOCKS = [PAIRS, BASELINE, SINGLE, EMPTY]


@pytest.mark.parametrize(("block", "n"), [(PAIRS, 72), (BASELINE, 6), (SINGLE, 8), (EMPTY, 0)])
def test_a_block_is_as_long_as_its_list_and_each_place_holds_what_the_list_does(block, n):
    listed = list(block)
    assert len(block) == len(listed) == len(set(listed)) == n
    assert [block[place] for place in range(n)] == listed
    assert all(slot in block for slot in listed)


@pytest.mark.parametrize(
    ("block", "slot"),
    [
        (PAIRS, Slot(3, 8, 1, 1)),
        (PAIRS, Slot(3, 7, 3, 1)),
        (PAIRS, Slot(3, 7, 1, 0)),
        (PAIRS, Slot(3, 7, 1, 1, 3)),
        (PAIRS, Slot(3, 0, 1, 1)),
        (BASELINE, Slot(3, 7, 1, 0)),
        (SINGLE, Slot(3, 7, 1, 1)),
        (EMPTY, Slot(3, 7, 1, 1)),
    ],
)
def test_a_block_does_not_hold_what_it_does_not_ask_for(block, slot):
    assert slot not in block


@pytest.mark.parametrize("n", [1, 7, 30, 1_000])
def test_a_sample_is_spread_evenly_over_all_blocks(n):
    ledger = Ledger(blocks=dict(enumerate(BLOCKS)))
    everything = [slot for block in BLOCKS for slot in block]
    step = max(len(everything) // n, 1)
    assert ledger.sample(n) == ledger.to_make[::step] == everything[::step]


@pytest.mark.django_db(transaction=True)
def test_answers_of_more_models_may_be_read_once_for_several_runs(spec, decide, alpha, beta, gamma):
    decide(spec(limit=2))
    asked = spec(language_models=(alpha, gamma))
    sheet = read_answers(asked.question_set, (alpha, beta, gamma), None)
    shared, own = open_ledger(asked, sheet), open_ledger(asked)
    assert shared == own
    assert (own.done, own.n_to_make, len(own.to_make)) == (4, 8, 8)
