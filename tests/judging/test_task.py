import pytest

from judging.task import JudgingError, TurnScope
from judging.verdicts import Mode


def test_the_first_turn_shows_nothing_of_the_second(pair):
    task = pair(turn=1)
    assert task.shown_first == ("Two.",)
    assert task.scope is TurnScope.ONE_TURN


def test_the_second_turn_shows_both(pair):
    task = pair(turn=2)
    assert task.shown_first == ("Two.", "Three.")
    assert task.scope is TurnScope.LAST_TURN


def test_turn_zero_is_the_whole_conversation(pair):
    assert pair(turn=0).scope is TurnScope.WHOLE
    one_turn = pair(turn=0, questions=("Name a prime.",))
    assert one_turn.scope is TurnScope.ONE_TURN


def test_game_two_shows_side_b_first(pair):
    task = pair(game=2)
    assert task.shown_first == ("Seven is a prime.",)
    assert task.shown_second == ("Two.",)


def test_an_answer_that_lacks_a_judged_turn_cannot_be_judged(pair):
    with pytest.raises(JudgingError, match="1 of 2 turns; generate the missing") as failure:
        pair(turn=2, answers_b=("Seven.",))
    assert failure.value.kind == "answer_incomplete"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"game": 3}, "bad_game"),
        ({"turn": 3}, "bad_turn"),
        ({"questions": (), "turn": 0}, "bad_turn"),
        ({"mode": Mode.SINGLE}, "bad_mode"),
        ({"answers_b": ()}, "bad_mode"),
    ],
)
def test_an_impossible_task_is_refused_with_its_kind(pair, changes, kind):
    with pytest.raises(JudgingError) as failure:
        pair(**changes)
    assert failure.value.kind == kind


def test_images_of_later_turns_are_not_shown(pair):
    images = (("https://example.org/1.png",), ("https://example.org/2.png",))
    assert pair(images=images, turn=1).shown_images == ("https://example.org/1.png",)
    assert len(pair(images=images, turn=2).shown_images) == 2


def test_random_numbers_differ_by_game_only_when_asked_to(pair):
    first, second = pair(game=1), pair(game=2)
    assert first.random("x").random() != second.random("x").random()
    alike = [task.random("x", is_per_game=False).random() for task in (first, second)]
    assert alike[0] == alike[1]
