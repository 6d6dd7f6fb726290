"""Many rows, each with its own values, in one statement."""

import datetime as dt
from math import inf

import pytest
from django.utils import timezone

from arena.models import Answer, WorkStatus
from arena.work import storing
from arena.work.storing import update_rows

pytestmark = pytest.mark.django_db
MINE = "me/1"
NESTED = {"verdict": ["[[A]]", None, True, 0.1, {"深": "海 \U0001f30a", "quote": "'\"\\ %s %%"}]}


@pytest.fixture
def claimed(question_set, alpha):
    return [
        Answer.objects.create(
            question=question, model=alpha, status=WorkStatus.CLAIMED, lease_owner=MINE
        )
        for question in question_set.questions.all()
    ]


def stored(answer, **columns):
    """What the row holds after these columns were stored."""
    assert update_rows(Answer, [(answer.pk, MINE, columns)]) == 1
    row = Answer.objects.get(pk=answer.pk)
    return {name: getattr(row, name) for name in columns}


@pytest.mark.parametrize(
    "columns",
    [
        {"turns": ["'; DROP TABLE arena_answer; -- %s %(x)s", "two\nlines\t\\n"]},
        {"settings": NESTED},
        {"settings": {"seed": 2**70}},
        {"style": None, "input_tokens": None, "latency_s": None},
        {"latency_s": 0.1 + 0.2, "ttft_s": 1e-300},
        {"latency_s": inf, "ttft_s": -inf},
        {"input_tokens": 2**31 - 1, "finish_reason": "", "status": WorkStatus.DONE},
        {"finished_at": dt.datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=dt.UTC)},
        {"not_before": timezone.now(), "lease_expires_at": None},
    ],
    ids="-".join,
)
def test_values_are_stored_as_they_were_given(claimed, columns):
    assert stored(claimed[0], **columns) == columns


def test_keys_that_are_no_text_become_text_as_in_any_json(claimed):
    assert stored(claimed[0], settings={1: "one"}) == {"settings": {"1": "one"}}


def test_each_row_gets_its_own_values_whichever_columns_the_others_have(claimed):
    one, two, three, *_ = claimed
    rows = [
        (one.pk, MINE, {"status": WorkStatus.DONE, "turns": ["one"]}),
        (two.pk, MINE, {"status": WorkStatus.FAILED, "error_kind": "server_error"}),
        (three.pk, MINE, {"turns": ["three"], "status": WorkStatus.DONE}),
    ]
    assert update_rows(Answer, rows) == 3
    found = Answer.objects.in_bulk([one.pk, two.pk, three.pk])
    assert [found[a.pk].turns for a in (one, two, three)] == [["one"], [], ["three"]]
    assert [found[a.pk].status for a in (one, two, three)] == ["done", "failed", "done"]


def test_more_values_than_a_statement_takes_go_in_several(claimed, monkeypatch):
    monkeypatch.setattr(storing, "_SQLITE_VALUES", 7)
    rows = [(a.pk, MINE, {"turns": [str(a.pk)]}) for a in claimed]
    assert update_rows(Answer, rows) == len(claimed)
    assert all(a.turns == [str(a.pk)] for a in Answer.objects.filter(lease_owner=MINE))


@pytest.mark.parametrize("change", [{"lease_owner": "other/1"}, {"status": WorkStatus.DONE}])
def test_a_row_that_is_no_longer_held_is_left_as_it_is(claimed, change):
    Answer.objects.filter(pk=claimed[0].pk).update(**change)
    rows = [(a.pk, MINE, {"turns": ["late"]}) for a in claimed]
    assert update_rows(Answer, rows) == len(claimed) - 1
    assert Answer.objects.get(pk=claimed[0].pk).turns == []
