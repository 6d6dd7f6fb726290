"""Quality joined to speed and price."""

import numpy as np
import pytest
from django.urls import reverse

from arena.models import AnswerOrigin, LanguageModel, Outcome, Vote
from arena.templatetags.lists import data_rows
from leaderboard.benchmark_columns import BenchmarkColumn, Score
from leaderboard.models import Board
from leaderboard.pairs import triangle_from_bytes, triangle_to_bytes
from leaderboard.pareto import AXES, Line, pareto_lines, pareto_points
from leaderboard.pareto_front import Measured, front, front_probabilities
from leaderboard.pareto_quality import Subject, quality_of_benchmark, quality_of_board
from leaderboard.services import take_snapshot
from leaderboard.templatetags.pareto import pareto_rows
from speed.metrics.cost import Cost
from speed.models import SpeedPhase, SpeedRun, SpeedStamps


def test_a_point_that_is_worse_and_dearer_is_off_the_front():
    assert front([3, 2, 1], [30, 20, 25]) == [True, True, False]


def test_exact_twins_are_both_on_the_front():
    assert front([2, 2, 1], [5, 5, 9]) == [True, True, False]


def test_of_equal_costs_the_better_one_is_on_the_front():
    assert front([1, 2], [5, 5]) == [False, True]


def test_certain_figures_give_certain_membership():
    quality = [Measured(3), Measured(2), Measured(1)]
    cost = [Measured(30), Measured(20), Measured(25)]
    assert front_probabilities(quality, cost) == [1.0, 1.0, 0.0]


def test_a_coin_toss_between_equals_is_one_half():
    quality = [Measured(0, -1, 1), Measured(0, -1, 1)]
    cost = [Measured(1), Measured(2)]
    first, second = front_probabilities(quality, cost, seed=1)
    assert first == 1.0
    # 4000 draws of a fair coin: four standard errors are 0.032
    assert second == pytest.approx(0.5, abs=0.032)


def test_hopeless_models_change_nothing_for_the_others():
    random = np.random.default_rng(7)
    quality = [Measured(q, q - 2, q + 2) for q in random.uniform(0, 10, 6)]
    cost = [Measured(c, 0.9 * c, 1.1 * c) for c in random.uniform(1, 9, 6)]
    draws = np.random.default_rng(0)
    values = np.array([[f.value for f in side] for side in (quality, cost)])
    widths = np.array([[f.deviation for f in side] for side in (quality, cost)])
    q, c = (values[i] + widths[i] * draws.standard_normal((4000, 6)) for i in range(2))
    is_beaten = (q[:, :, None] > q[:, None, :]) & (c[:, :, None] < c[:, None, :])
    expected = 1 - is_beaten.any(axis=1).mean(axis=0)
    assert front_probabilities(quality, cost) == pytest.approx(list(expected))


def test_a_hundred_models_of_one_price_leave_only_the_best():
    quality = [Measured(float(q)) for q in range(100)]
    assert front_probabilities(quality, [Measured(2.0)] * 100) == [0.0] * 99 + [1.0]


def test_names_are_escaped_in_the_tables_of_a_chart():
    text = data_rows([["<b>", "&", {"text": "<i>", "href": '/a"b'}], ["x", 1.5]])
    assert text == (
        '<tr><th scope="row">&lt;b&gt;</th><td class="numeric">&amp;</td>'
        '<td class="numeric"><a href="/a&quot;b">&lt;i&gt;</a></td></tr>'
        '<tr><th scope="row">x</th><td class="numeric">1.5</td></tr>'
    )


def test_nothing_to_join_is_no_error():
    assert front_probabilities([], []) == []


@pytest.fixture
def board(question_set, make_battle, alpha, beta):
    for question in question_set.questions.all():
        battle = make_battle(question, alpha, beta)
        Vote.objects.create(battle=battle, outcome=Outcome.MODEL_A)
    Vote.objects.create(battle=battle, outcome=Outcome.MODEL_B)
    board = Board.objects.create(slug="main", title="Main")
    take_snapshot(board=board)
    return board


def give_speed(model, *, tpot_s, grade="green"):
    run = SpeedRun.objects.create(
        spec={"targets": []}, workload_key="w", target_key=model.slug, status="completed"
    )
    stamps = SpeedStamps.objects.create(run=run, content=b"", sha256="")
    return SpeedPhase.objects.create(
        **{"run": run, "stamps": stamps, "number": 0, "phase": 0, "name": "1 at once"},
        **{"language_model": model, "load": "closed", "level": 1, "attempts": 1, "succeeded": 1},
        **{"failed": 0, "window_s": 1, "output_tokens_per_s": 1 / tpot_s, "grade": grade},
        **{"ttft_s": 0.2, "tpot_s": tpot_s, "tpot_lower_s": tpot_s, "tpot_upper_s": tpot_s},
    )


@pytest.mark.django_db
def test_the_page_joins_ratings_with_speed(client, board, alpha, beta):
    give_speed(alpha, tpot_s=0.02)
    give_speed(beta, tpot_s=0.04)
    page = client.get(reverse("pareto")).content.decode()
    assert "Quality against Time per output token, ms" in page
    assert "Alpha" in page


@pytest.mark.django_db
def test_a_red_run_is_not_joined(client, board, alpha):
    give_speed(alpha, tpot_s=0.02, grade="red")
    assert "Nothing to join yet" in client.get(reverse("pareto")).content.decode()


@pytest.mark.django_db
def test_what_is_better_when_higher_is_turned_over(board, alpha, beta):
    give_speed(alpha, tpot_s=0.02)
    give_speed(beta, tpot_s=0.04)
    axis = next(axis for axis in AXES if axis.name == "throughput")
    lines = pareto_lines(quality_of_board(board.snapshots.get()).subjects)
    points = pareto_points(lines, axis, quality_of_board(board.snapshots.get()))
    assert [point.line.model for point in points] == [alpha, beta]
    assert points[0].probability == 1.0


@pytest.mark.django_db
def test_costs_per_answer_and_per_win_follow_from_prices_and_lengths(board, alpha):
    alpha.price_in_per_mtok, alpha.price_out_per_mtok = 1.0, 10.0
    alpha.save()
    alpha.answers.update(input_tokens=100, output_tokens=50)
    line = next(
        ln
        for ln in pareto_lines(quality_of_board(board.snapshots.get()).subjects)
        if ln.speed is None
    )
    assert line.model == alpha
    assert line.cost.per_answer == pytest.approx((100 * 1 + 50 * 10) / 1e6)
    assert line.cost_per_win == pytest.approx(line.cost.per_answer / (6 / 7))


@pytest.mark.django_db
def test_only_live_battles_count_as_met_by_users(board, alpha):
    alpha.answers.update(ttft_s=9.0, latency_s=10.0, output_tokens=11)
    first = alpha.answers.first()
    first.origin, first.ttft_s, first.latency_s = AnswerOrigin.LIVE, 0.5, 1.5
    first.save()
    users = pareto_lines(quality_of_board(board.snapshots.get()).subjects)[0].users
    assert (users.answers, users.ttft_s) == (1, 0.5)
    assert users.tpot_s == pytest.approx(0.1)


@pytest.mark.django_db
def test_the_page_takes_seven_queries(client, board, alpha, django_assert_num_queries):
    give_speed(alpha, tpot_s=0.02)
    with django_assert_num_queries(7):
        client.get(reverse("pareto"))


@pytest.mark.django_db
def test_means_over_all_answers_and_scores_are_looked_up_once_for_many_readers(
    client, board, alpha, django_assert_num_queries
):
    client.get(reverse("pareto"))
    with django_assert_num_queries(5):
        client.get(reverse("pareto"))


@pytest.mark.django_db
def test_the_page_opens_on_a_board_that_has_ratings(client, board):
    Board.objects.create(slug="aa-empty", title="AA")
    page = client.get(reverse("pareto"))
    assert [item.value for item in page.context["boards"] if item.is_chosen] == [board.slug]


@pytest.mark.django_db
def test_the_page_opens_on_an_axis_that_has_figures(client, board, alpha):
    LanguageModel.objects.update(price_out_per_mtok=3.0)
    page = reverse("pareto")
    assert client.get(page).context["axis"].name == "price"
    assert client.get(page, {"axis": "ttft"}).context["axis"].name == "ttft"


def test_ratings_that_move_together_are_drawn_together():
    both = [Measured(10, -10, 30), Measured(11, -9, 31)]
    together = np.full((2, 2), 104.0)  # each as uncertain as its interval says, fully correlated
    costs = [Measured(2), Measured(1)]
    assert front_probabilities(both, costs)[0] == pytest.approx(0.47, abs=0.03)
    assert front_probabilities(both, costs, covariance=together)[0] == 0.0


def test_a_covariance_comes_back_from_its_triangle_as_it_was():
    matrix = np.array([[2.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 1.0]])
    assert (triangle_from_bytes(triangle_to_bytes(matrix)) == matrix).all()
    assert triangle_from_bytes(b"") is None


@pytest.mark.django_db
def test_models_that_never_met_the_others_are_left_out_with_a_word(
    client, board, question_set, make_battle, make_model
):
    island = [make_model("island-1"), make_model("island-2")]
    battle = make_battle(question_set.questions.first(), *island)
    Vote.objects.create(battle=battle, outcome=Outcome.TIE)
    take_snapshot(board=board)
    text = client.get(reverse("pareto")).content.decode()
    assert "2 models never met the others" in text
    assert "island-1" not in text


@pytest.mark.django_db
def test_a_benchmark_score_can_be_the_quality(client, board, alpha):
    scores = {alpha.pk: Score(0.75, 0.7, 0.8, 9, 1, 1)}
    column = BenchmarkColumn.of("k", ("arc", "acc", "native"), scores)
    (subject,) = quality_of_benchmark(column).subjects
    assert (subject.model, subject.quality) == (alpha, Measured(75.0, 70.0, 80.0))
    assert pareto_lines([subject])[0].cost_per_win is None


@pytest.mark.django_db
def test_an_unknown_benchmark_is_not_found(client, board):
    assert client.get(reverse("pareto"), {"board": "benchmark:k"}).status_code == 404


@pytest.mark.django_db
def test_an_unknown_board_is_not_found(client, board):
    assert client.get(reverse("pareto"), {"board": "nowhere"}).status_code == 404


def test_a_models_name_is_escaped_in_the_pareto_table():
    model = LanguageModel(slug="m", display_name="<b>&")
    line = Line(Subject(model, Measured(1.0)), 0, None, None, Cost(None, None, None))
    assert ">&lt;b&gt;&amp;</a></th>" in pareto_rows([line], True, False)
