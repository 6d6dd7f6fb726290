"""A run's report: results, examples, failures, costs and versions on one page."""

import re
from html import unescape

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from arena.models import Battle, LanguageModel, Vote, Voter
from judging.agreement import Estimate
from judging.labels import reason_label
from judging.models import JudgeBatch, JudgeRun, JudgeRunMode, Judgment
from judging.report import judge_run_report, report_html
from judging.report.examples import MOST_MODELS, drawn, picked_decisions
from judging.report.scope import Compared, decisions
from judging.templatetags.estimates import plain, share
from judging.templatetags.report_marks import percent
from judging.verdicts.base import Outcome, UnreadableReason

pytestmark = pytest.mark.django_db(transaction=True)


def test_models_are_ranked_by_win_rate_with_counts(spec, decide):
    results = judge_run_report(decide(spec())).results
    assert [result.model.slug for result in results] == ["alpha", "beta", "gamma"]
    assert [(r.wins, r.losses, r.ties) for r in results] == [(24, 0, 0), (12, 12, 0), (0, 24, 0)]
    assert [result.estimate.value for result in results] == [1.0, 0.5, 0.0]


def test_the_matrix_holds_the_rows_share_of_wins(spec, decide):
    matrix = judge_run_report(decide(spec())).matrix
    shares = [[share for _, share in cells] for _, cells in matrix]
    assert shares == [[None, 1.0, 1.0], [0.0, None, 1.0], [0.0, 0.0, None]]


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


def test_every_model_has_examples_of_wins_and_of_losses(spec, decide, alpha, beta, gamma):
    examples = {each.model: each for each in judge_run_report(decide(spec())).examples}
    assert [len(examples[beta].wins), len(examples[beta].losses)] == [2, 2]
    assert (examples[alpha].losses, examples[gamma].wins) == ([], [])
    for example in examples[beta].wins:
        winner = {"model_a": "model_a", "model_b": "model_b"}[example.first.outcome]
        assert getattr(example.first.battle, winner) == beta
        assert len(example.judgments) == 2
    for example in examples[beta].losses:
        loser = {"model_a": "model_b", "model_b": "model_a"}[example.first.outcome]
        assert getattr(example.first.battle, loser) == beta


def test_the_same_seed_draws_the_same_examples_and_another_seed_others():
    rows = list(range(1000))
    assert drawn(rows, 5, seed=1, about="x") == drawn(rows, 5, seed=1, about="x")
    assert drawn(rows, 5, seed=1, about="x") != drawn(rows, 5, seed=2, about="x")
    assert drawn(rows[:3], 5, seed=1, about="x") == [0, 1, 2]


def test_examples_are_bounded_however_many_models_there_are():
    games = [
        Compared(100 * a + b, 100 * a + b, 0, 0, 1, Outcome.MODEL_A, 1, "", a, b)
        for a in range(1, 60)
        for b in range(1, 60)
        if a != b
    ]
    models = [LanguageModel(pk=pk, slug=f"m{pk}") for pk in range(1, 60)]
    picks = picked_decisions(models, decisions(games), seed=0)
    assert len(picks) == MOST_MODELS
    assert {len(pick.wins) for pick in picks} == {len(pick.losses) for pick in picks} == {1}


def test_long_texts_are_cut_in_the_report(spec, decide, answered, alpha):
    alpha.answers.update(turns=["x" * 500_000])
    assert len(report_html(decide(spec()))) < 150_000


def test_single_scores_show_each_models_best_and_worst(spec, decide, alpha):
    run = decide(spec(mode=JudgeRunMode.SINGLE))
    Judgment.objects.filter(answer__model=alpha).update(score=5.0)
    best, worst = Judgment.objects.filter(answer__model=alpha)[:2]
    Judgment.objects.filter(pk=best.pk).update(score=9.0)
    Judgment.objects.filter(pk=worst.pk).update(score=1.0)
    own = next(each for each in judge_run_report(run).examples if each.model == alpha)
    assert (own.wins[0].first.pk, own.losses[0].first.pk) == (best.pk, worst.pk)


def test_pairs_that_the_order_decided_are_shown_with_both_games(spec, decide, chat_judge, served):
    served.reply = lambda messages: "[[A]]"
    report = judge_run_report(decide(spec(judge=chat_judge, limit=2)))
    assert (report.orders.pairs, report.orders.differing) == (6, 6)
    assert report.orders.effects.consistent.value == 0.0
    assert report.orders.effects.first.value == 1.0
    assert len(report.order_disputes) == 5
    assert all(len(example.judgments) == 2 for example in report.order_disputes)
    assert not any(each.wins or each.losses for each in report.examples)


def vote(battle, *outcomes, **columns):
    for place, outcome in enumerate(outcomes):
        voter, _ = Voter.objects.get_or_create(key=f"voter-{place}")
        Vote.objects.create(battle=battle, voter=voter, outcome=outcome, **columns)


def test_the_judge_is_held_against_the_votes_on_the_same_battles(spec, decide, alpha, beta):
    run = decide(spec())
    first, second = Battle.objects.filter(model_a=alpha, model_b=beta).order_by("id")[:2]
    vote(first, "model_b", "model_b", "model_a")
    vote(second, "model_a")
    people = judge_run_report(run).people
    assert (people.votes, people.battles, people.disputed) == (4, 2, 1)
    assert people.with_ties.value == 2 / 4
    (dispute,) = people.picks
    assert (dispute.battle, dispute.people, dispute.votes_for, dispute.votes) == (
        first.pk, "model_b", 2, 3,
    )  # fmt: skip
    assert "Against the judge: 2 of 3 votes" in report_html(run)


def test_people_who_are_divided_dispute_nothing(spec, decide, alpha, beta):
    run = decide(spec())
    vote(Battle.objects.filter(model_a=alpha, model_b=beta).first(), "model_b", "model_a")
    assert judge_run_report(run).people.disputed == 0


def test_votes_of_the_demo_are_no_people(spec, decide):
    run = decide(spec())
    vote(Battle.objects.first(), "model_b", source="demo")
    assert judge_run_report(run).people.votes == 0
    assert "No battle has both a vote and a verdict yet." in report_html(run)


def test_a_verdict_that_changes_with_the_order_counts_as_a_tie_and_is_told(
    spec, decide, chat_judge, served
):
    served.reply = lambda messages: "[[A]]"
    run = decide(spec(judge=chat_judge, limit=1))
    vote(Battle.objects.first(), "model_a")
    people = judge_run_report(run).people
    assert (people.votes, people.wavering, people.with_ties.value) == (1, 1, 0.0)
    assert "On 1 battle the verdict changed with the order" in report_html(run)


def test_unreadable_replies_are_grouped_by_reason_with_one_to_read(
    spec, decide, chat_judge, served
):
    served.reply = lambda messages: "I would rather not say."
    run = decide(spec(judge=chat_judge, limit=1))
    (group,) = judge_run_report(run).unreadable
    assert (group.reason, group.count, group.share) == ("no_verdict", 6, 1.0)
    assert group.example == "I would rather not say."
    assert "the reply holds no verdict" in report_html(run)


def test_shares_are_rounded_and_not_cut_off():
    assert (percent(0.4219), share(Estimate(0.4219, None, None, 1, 1))) == ("42.2 %", "42.2 %")
    assert plain(Estimate(7.996, None, None, 1, 1)) == "8.00"


def test_every_reason_has_words():
    for reason in UnreadableReason:
        assert reason_label(reason) != reason


def test_failures_are_grouped_by_reason_with_one_message(spec, decide):
    run = decide(spec())
    failed = list(run.judgments.values_list("pk", flat=True)[:3])
    change = {"status": "failed", "is_readable": None, "outcome": ""}
    run.judgments.filter(pk__in=failed[:2]).update(**change, error_kind="timeout", error_detail="t")
    run.judgments.filter(pk=failed[2]).update(**change, error_kind="no_task", error_detail="n")
    found = [(group.kind, group.count, group.example) for group in judge_run_report(run).failures]
    assert found == [("timeout", 2, "t"), ("no_task", 1, "n")]


def test_the_bill_tells_tokens_money_and_what_was_not_paid_again(spec, decide, chat_judge, served):
    decide(spec(judge=chat_judge, limit=1))
    run = decide(spec(judge=chat_judge, limit=2))
    bill = judge_run_report(run).bill
    own = list(run.judgments.values_list("input_tokens", "output_tokens", "cost_usd"))
    assert (bill.judged, bill.there_before, bill.batches) == (6, 6, 0)
    assert bill.input_tokens == sum(sent for sent, _, _ in own) > 0
    assert bill.output_tokens == sum(received for _, received, _ in own) > 0
    assert bill.usd == pytest.approx(sum(usd for _, _, usd in own))
    assert bill.usd_per_1000 == pytest.approx(1000 * bill.usd / 6)


def test_replies_from_the_cache_and_second_tries_are_counted(spec, decide):
    run = decide(spec())
    first, second = run.judgments.all()[:2]
    run.judgments.filter(pk=first.pk).update(metadata={"reused_replies": 1})
    run.judgments.filter(pk=second.pk).update(metadata={"unreadable_replies": [{"reason": "x"}]})
    bill = judge_run_report(run).bill
    assert (bill.from_cache, bill.asked_again) == (1, 1)


def test_batches_are_part_of_the_bill(spec, decide):
    run = decide(spec())
    for label in ("one", "two"):
        JudgeBatch.objects.create(run=run, label=label, keys=["k1", "k2", "k3"])
    bill = judge_run_report(run).bill
    assert (bill.batches, bill.batch_requests) == (2, 6)
    assert "6 requests in 2 batches, at half the price" in report_html(run)


LOOK = {
    "judged": 40, "n_separated": 1, "n_within": 0, "open_gaps": 2, "widest": 180.0,
    "is_reached": False, "next": 28, "asked": 40, "at": "2026-01-02T03:04:05+00:00",
    "open_pairs": [["alpha", "beta"]], "next_pairs": [["alpha", "beta", 28]],
}  # fmt: skip


def test_the_looks_of_an_adaptive_run_are_a_table(spec, decide):
    run = decide(spec())
    last = LOOK | {"judged": 68, "open_gaps": 0, "is_reached": True, "next": 0, "asked": 68}
    run.plan["adaptive"] = {"within": 150, "total": 276, "looks": [LOOK, last]}
    looks = judge_run_report(run).looks
    assert [(look.judged, look.open_gaps, look.next) for look in looks.looks] == [
        (40, 2, 28),
        (68, 0, 0),
    ]
    assert (looks.is_reached, looks.saved) == (True, 208)
    page = report_html(run)
    assert "208 of 276 judgments were not needed" in page
    assert "alpha – beta (28)" in page


def test_a_width_far_beyond_the_goal_does_not_flatten_the_chart(spec, decide):
    run = decide(spec())
    looks = [LOOK | {"widest": width} for width in (9000.0, 300.0)]
    run.plan["adaptive"] = {"within": 100, "total": 276, "looks": looks}
    chart = judge_run_report(run).looks
    assert (chart.highest, chart.goal_y) == (500.0, 80.0)
    assert [look.y for look in chart.looks] == [0.0, 40.0]


def test_looks_from_before_their_pairs_were_kept_are_shown_as_well(spec, decide):
    run = decide(spec())
    older = {key: LOOK[key] for key in LOOK if key not in ("at", "open_pairs", "next_pairs")}
    run.plan["adaptive"] = {"within": 150, "total": 276, "looks": [older]}
    (look,) = judge_run_report(run).looks.looks
    assert (look.at, look.open_pairs, look.next_pairs) == (None, [], [])
    assert "The goal has not been reached." in report_html(run)


def test_the_page_links_to_the_rows(spec, decide, admin_client, alpha, beta):
    run = decide(spec())
    battle = Battle.objects.filter(model_a=alpha, model_b=beta).first()
    vote(battle, "model_b")
    page = admin_client.get(reverse("judge_run_report", args=[run.pk])).content.decode()
    assert f'href="{reverse("battle_detail", args=[battle.pk])}#judgment-' in page
    assert 'rel="icon"' in page
    kept = admin_client.get(reverse("judge_run_report", args=[run.pk]), {"download": 1})
    assert "href=" not in kept.content.decode()


def figures_of(page):
    """Every linked figure of a report: (what it says, the address behind it)."""
    found = re.findall(r'<td class="n"[^>]*><a href="([^"]+)">([^<]+)</a>', page)
    return [(said, unescape(address)) for address, said in found]


def test_every_figure_of_a_table_leads_to_as_many_rows_as_it_counts(spec, decide, admin_client):
    decide(spec(limit=3))  # half of what the report is about was there before
    run = spoil(decide(spec()), 2)
    page = admin_client.get(reverse("judge_run_report", args=[run.pk])).content.decode()
    counts = [(said, url) for said, url in figures_of(page) if said.isdigit()]
    assert len(counts) == 3 * 3 + 2 + 2  # wins, ties and losses of three models, two reasons each
    for said, url in counts:
        assert admin_client.get(url).context["page"].paginator.count == int(said), url
    first = admin_client.get(counts[0][1]).content.decode()
    assert "Narrowed to</span><strong>alpha · Win</strong>" in first


def test_every_share_leads_to_the_rows_it_is_a_share_of(spec, decide, admin_client):
    run = decide(spec())
    page = admin_client.get(reverse("judge_run_report", args=[run.pk])).content.decode()
    shares = [(said, url) for said, url in figures_of(page) if said.endswith("%")]
    n = [admin_client.get(url).context["page"].paginator.count for _, url in shares]
    # three win rates, six pairs of models, three models in two categories, four shares of orders
    assert n == [24] * 3 + [12] * 6 + [12] * 6 + [36, 0, 0, 0]


def behind(client, run, figure):
    """The judgments that the report's figure leads to."""
    address = f"{reverse('run_results', args=['judging', run.pk])}?"
    page = unescape(client.get(reverse("judge_run_report", args=[run.pk])).content.decode())
    (link,) = re.findall(rf'href="({re.escape(address)}[^"]*figure={figure})"', page)
    return list(client.get(link).context["page"])


def test_shares_of_orders_lead_to_the_pairs_of_their_kind(
    spec, decide, chat_judge, served, admin_client
):
    """Whoever is shown first wins, but for one pair that is consistent and one with a tie."""
    served.reply = lambda messages: "[[A]]"
    run = decide(spec(judge=chat_judge, limit=2))
    consistent, half = Battle.objects.filter(judgments__run=run).distinct().order_by("id")[:2]
    run.judgments.filter(battle=consistent).update(outcome="model_a")
    run.judgments.filter(battle=half, game=2).update(outcome="tie")
    for figure, pairs in (
        ("order_consistent", {consistent.pk}),
        ("order_other", {half.pk}),
        ("order_second", set()),
    ):
        assert {row.battle_id for row in behind(admin_client, run, figure)} == pairs
    assert len(behind(admin_client, run, "order_first")) == 2 * 4
    assert len(behind(admin_client, run, "order_changed")) == 2 * 5
    assert len(behind(admin_client, run, "both_orders")) == 2 * 6


def test_agreement_with_people_leads_to_the_battles_they_voted_on(
    spec, decide, alpha, beta, admin_client
):
    run = decide(spec())
    disputed, even, split = Battle.objects.filter(model_a=alpha, model_b=beta).order_by("id")[:3]
    vote(disputed, "model_b")
    vote(even, "tie")
    vote(split, "model_a", "model_b")
    run.judgments.filter(battle=split, game=2).update(outcome="model_b")
    for figure, battles in (
        ("people", {disputed, even, split}),
        ("people_decided", {disputed}),
        ("people_wavering", {split}),
        ("people_disputed", {disputed}),
    ):
        rows = behind(admin_client, run, figure)
        assert {row.battle for row in rows} == battles
        assert len(rows) == 2 * len(battles)
    page = admin_client.get(
        reverse("run_results", args=["judging", run.pk]), {"figure": "people_disputed"}
    ).text
    assert "Most people chose the other model</strong>" in page


def test_costs_by_model_lead_to_the_judgments_that_asked_it(spec, decide, admin_client):
    run = decide(spec(limit=1))
    share = {"calls": 2, "usd": 0.25, "input_tokens": 30, "output_tokens": 4}
    first, second, *_ = run.judgments.order_by("id")
    for row, models in ((first, ["one.v2", "two"]), (second, ["two"])):
        spent = {"spent_by_model": dict.fromkeys(models, share)}
        run.judgments.filter(pk=row.pk).update(metadata=spent)
    page = admin_client.get(reverse("judge_run_report", args=[run.pk])).content.decode()
    links = [(said, url) for said, url in figures_of(page) if "asked=" in url]
    # judgments, calls, tokens sent and received, and the cost, of two models
    assert [said for said, _ in links] == [
        "2",
        "4",
        "60",
        "8",
        "$0.5000",
        "1",
        "2",
        "30",
        "4",
        "$0.2500",
    ]
    rows = [set(admin_client.get(url).context["page"]) for _, url in links]
    assert rows == [{first, second}] * 5 + [{first}] * 5


def test_a_mean_score_leads_to_its_scores(spec, decide, admin_client):
    run = decide(spec(mode=JudgeRunMode.SINGLE))
    page = admin_client.get(reverse("judge_run_report", args=[run.pk])).content.decode()
    n = [admin_client.get(url).context["page"].paginator.count for _, url in figures_of(page)]
    assert n[:3] == [6, 6, 6]


def test_the_judges_prompts_and_their_versions_are_told(spec, decide, chat_judge):
    report = judge_run_report(decide(spec(judge=chat_judge, limit=1)))
    assert report.prompts
    page = report_html(report.run)
    assert all(prompt.name in page and prompt.version[:12] in page for prompt in report.prompts)


def test_a_dry_run_says_so(spec, decide):
    assert "Dry run: random verdicts" in report_html(decide(spec(is_dry_run=True)))


def spoil(run, n):
    """Fail ``n`` rows for as many reasons, make as many unreadable, and vote on as many."""
    nothing = {"is_readable": None, "outcome": ""}
    rows = list(run.judgments.order_by("id"))
    for number, row in enumerate(rows[:n]):
        run.judgments.filter(pk=row.pk).update(status="failed", error_kind=f"e{number}", **nothing)
    for number, row in enumerate(rows[n : 2 * n]):
        told = nothing | {"is_readable": False, "metadata": {"reason": f"r{number}"}}
        run.judgments.filter(pk=row.pk).update(**told)
    for battle in Battle.objects.order_by("-id")[:n]:
        vote(battle, "tie")
    return run


def test_the_report_takes_as_many_queries_for_many_rows_as_for_few(
    spec, decide, django_assert_num_queries
):
    for limit, n in ((1, 1), (None, 5)):
        run = spoil(decide(spec(limit=limit)), n)
        for is_page in (False, True):
            fresh = JudgeRun.objects.get(pk=run.pk)
            with django_assert_num_queries(17):
                report_html(fresh, is_page=is_page)


def test_only_the_reports_page_may_bring_a_style_of_its_own(spec, decide, admin_client):
    run = decide(spec())
    report = admin_client.get(reverse("judge_run_report", args=[run.pk]))
    assert "style-src-elem 'self' 'unsafe-inline'" in report.headers["Content-Security-Policy"]
    assert "style-src-elem" not in admin_client.get("/").headers["Content-Security-Policy"]


def test_the_command_writes_the_file(spec, decide, tmp_path):
    run = decide(spec())
    call_command("judge_report", str(run.pk), "--out", str(tmp_path / "report.html"))
    assert "Win rate" in (tmp_path / "report.html").read_text()
    with pytest.raises(CommandError, match="there is no judge run 99"):
        call_command("judge_report", "99", "--out", str(tmp_path / "x"))
