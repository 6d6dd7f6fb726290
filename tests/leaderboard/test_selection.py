"""What a board counts and what it leaves out, by reason."""

import pytest
from pydantic import ValidationError

from arena.models import Exclusion, LanguageModel, WorkStatus
from judging.models import Judgment
from leaderboard.query import BoardQuery
from leaderboard.ratings import Outcome
from leaderboard.selection import select_comparisons, select_scores

pytestmark = pytest.mark.django_db


def test_every_vote_becomes_a_comparison_between_its_models(votes):
    comparisons = select_comparisons(BoardQuery(source="people")).comparisons
    assert comparisons.models == ("alpha", "beta", "gamma")
    assert comparisons.model_a.tolist() == [0] * 6 + [1] * 3
    assert comparisons.outcome.tolist() == [0, 0, 0, 0, 2, 1, 0, 1, 2]


def test_each_game_of_a_judge_is_a_comparison_with_its_order(battles, make_verdict):
    make_verdict(battles[0], "model_a", game=1, strength=3)
    make_verdict(battles[0], "model_b", game=2)
    comparisons = select_comparisons(BoardQuery(source="judges")).comparisons
    assert comparisons.outcome.tolist() == [Outcome.MODEL_A, Outcome.MODEL_B]
    assert comparisons.first_shown_a.tolist() == [True, False]
    assert comparisons.strength.tolist() == [3, 1]


def test_questions_and_voters_are_the_clusters_and_bear_numbers_only(votes, battles):
    comparisons = select_comparisons(BoardQuery(source="people")).comparisons
    first = battles[0].question_id
    assert comparisons.question.tolist() == [battle.question_id - first for battle in battles]
    assert set(comparisons.voter.tolist()) == {0}


def test_unreadable_failed_and_dry_run_verdicts_are_left_out_by_reason(battles, make_verdict):
    make_verdict(battles[0], "")
    make_verdict(battles[1], "", status=WorkStatus.FAILED, is_readable=None)
    make_verdict(battles[2], "model_a", is_dry_run=True)
    make_verdict(battles[3], "", status=WorkStatus.PENDING, is_readable=None)
    make_verdict(battles[4], "tie")
    selection = select_comparisons(BoardQuery(source="judges"))
    assert selection.rows == 1
    assert selection.excluded == {
        "unreadable_verdict": 1,
        "judge_failed": 1,
        "dry_run": 1,
        "not_judged_yet": 1,
    }


def test_marked_votes_and_battles_are_counted_as_left_out(votes, battles):
    votes[0].exclusion = Exclusion.OUTLIER_VOTER
    votes[0].save()
    battles[1].exclusion = Exclusion.IDENTITY_LEAK
    battles[1].save()
    selection = select_comparisons(BoardQuery(source="people"))
    assert selection.rows == 7
    assert selection.excluded == {"outlier_voter": 1, "identity_leak": 1}


def test_an_exclusion_can_be_counted_after_all(votes):
    votes[0].exclusion = Exclusion.TOO_FAST
    votes[0].save()
    assert select_comparisons(BoardQuery(source="people")).rows == 8
    assert select_comparisons(BoardQuery(source="people", include=("too_fast",))).rows == 9


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ({"categories": ["math"]}, 5),
        ({"languages": ["zh"]}, 4),
        ({"question_sets": ["set"]}, 9),
        ({"question_sets": ["other"]}, 0),
        ({"models": ["alpha", "beta"]}, 6),
        ({"until": "2020-01-01T00:00:00Z"}, 0),
        ({"since": "2020-01-01T00:00:00Z"}, 9),
    ],
)
def test_the_query_narrows_what_is_counted(votes, query, rows):
    chosen = BoardQuery.model_validate({"source": "people", **query})
    assert select_comparisons(chosen).rows == rows


def test_a_model_asked_for_by_name_is_listed_even_without_battles(votes, make_model):
    make_model("delta")
    query = BoardQuery(source="people", models=("alpha", "beta", "delta"))
    assert select_comparisons(query).comparisons.models == ("alpha", "beta", "delta")


def test_demo_models_are_counted_only_where_the_board_says_so(votes):
    LanguageModel.objects.filter(slug="gamma").update(is_demo=True)
    assert select_comparisons(BoardQuery(source="people")).rows == 6
    assert select_comparisons(BoardQuery(source="people", include_demo=True)).rows == 9


def test_an_unknown_key_of_a_query_is_named():
    with pytest.raises(ValidationError, match="catgories"):
        BoardQuery.model_validate({"catgories": ["math"]})


def test_the_input_hash_changes_with_the_rows_and_only_with_them(votes):
    query = BoardQuery(source="people")
    before = select_comparisons(query).input_hash
    assert select_comparisons(query).input_hash == before
    votes[0].delete()
    assert select_comparisons(query).input_hash != before


def test_single_scores_are_selected_per_turn(judge, alpha, question_set, make_answer):
    answer = make_answer(alpha, question_set.questions.first())
    for turn, score in ((1, 9.5), (2, 4.0)):
        Judgment.objects.create(
            judge=judge, mode="single", answer=answer, turn=turn, score=score,
            status=WorkStatus.DONE, is_readable=True,
        )  # fmt: skip
    scores = select_scores(BoardQuery(source="judges")).scores
    assert scores.score.tolist() == [9.5, 4.0]
    assert scores.turn.tolist() == [1, 2]


def test_a_selection_makes_a_fixed_number_of_queries(votes, django_assert_num_queries):
    # demo models twice, votes, newest, slugs
    with django_assert_num_queries(5):
        select_comparisons(BoardQuery(source="people"))
