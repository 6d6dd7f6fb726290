"""A run's report: results, examples, failures, costs and versions on one page."""

import re

import pytest
from django.core.management import CommandError, call_command

from judging.models import JudgeRunMode
from judging.report import judge_run_report, report_html

pytestmark = pytest.mark.django_db(transaction=True)


def test_models_are_ranked_by_win_rate_with_counts(spec, decide):
    results = judge_run_report(decide(spec())).results
    assert [result.model.slug for result in results] == ["alpha", "beta", "gamma"]
    assert [(r.wins, r.losses, r.ties) for r in results] == [(24, 0, 0), (12, 12, 0), (0, 24, 0)]
    assert [result.estimate.value for result in results] == [1.0, 0.5, 0.0]


def test_the_matrix_holds_the_rows_share_of_wins(spec, decide):
    matrix = judge_run_report(decide(spec())).matrix
    assert [cells for _, cells in matrix] == [[None, 1.0, 1.0], [0.0, None, 1.0], [0.0, 0.0, None]]


def test_single_scores_are_averaged_by_category(spec, decide):
    report = judge_run_report(decide(spec(mode=JudgeRunMode.SINGLE)))
    assert report.categories == ["math", "writing"]
    assert report.matrix == []
    first, last = report.results[0], report.results[-1]
    assert first.estimate.value > last.estimate.value


def test_reused_judgments_are_part_of_the_report(spec, decide):
    decide(spec(limit=3))
    report = judge_run_report(decide(spec()))
    assert sum(result.wins for result in report.results) == 36


def test_a_report_is_one_file_that_asks_for_nothing(spec, decide, chat_judge):
    page = report_html(decide(spec(judge=chat_judge)))
    assert not re.findall(r"(?:src|href)=", page)
    assert "<script" not in page
    for told in ("Win rate", "One says more.", chat_judge.fingerprint, "Cost so far"):
        assert told in page


def test_what_models_and_judges_say_is_never_markup(spec, decide, alpha):
    alpha.answers.update(turns=["<script>alert(1)</script>" * 20])
    assert "<script>" not in report_html(decide(spec()))


def test_disagreements_and_unreadable_replies_are_shown(spec, decide, chat_judge, served):
    served.reply = lambda messages: "[[A]]"
    report = judge_run_report(decide(spec(judge=chat_judge, limit=1)))
    assert report.consistency.value == 0.0
    assert {example.title for example in report.examples} == {"Disagreement: the order decided"}


def test_a_dry_run_says_so(spec, decide):
    assert "Dry run: random verdicts" in report_html(decide(spec(is_dry_run=True)))


def test_the_report_takes_as_many_queries_for_many_rows_as_for_few(
    spec, decide, django_assert_num_queries
):
    for run in (decide(spec(limit=1)), decide(spec())):
        with django_assert_num_queries(15):
            report_html(run)


def test_the_command_writes_the_file(spec, decide, tmp_path):
    run = decide(spec())
    call_command("judge_report", str(run.pk), "--out", str(tmp_path / "report.html"))
    assert "Win rate" in (tmp_path / "report.html").read_text()
    with pytest.raises(CommandError, match="there is no judge run 99"):
        call_command("judge_report", "99", "--out", str(tmp_path / "x"))
