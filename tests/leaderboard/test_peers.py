"""Models that judge each other, from the form, the command and the rows to the ranking."""

import io
import json
import re

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from arena.services.driving import drive_run_chunk
from judging.models import Judge, JudgeRun, Judgment
from judging.services.judges import create_judge
from judging.services.ledger import JudgeRunError
from judging.services.peers import PeerSpec, peer_runs, plan_peers
from leaderboard.models import Board, PeerExamination
from leaderboard.peers import examination_page, examination_runs, start_peer_examination
from leaderboard.services import refresh_board

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def answered(question_set, alpha, beta, gamma, make_model, make_answer):
    """Four models that have answered every question, each with its own length."""
    delta = make_model("delta")
    for words, model in zip((40, 30, 20, 10), (alpha, beta, gamma, delta), strict=True):
        for question in question_set.questions.all():
            make_answer(model, question, f"{model.slug} " + "word " * words)
    return (alpha, beta, gamma, delta)


@pytest.fixture
def spec(question_set, answered):
    return PeerSpec(question_set, answered, kind="length_preferring")


@pytest.fixture
def quiet(monkeypatch):
    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *_: None)


@pytest.fixture
def examination(spec, quiet):
    """Done: the peers and a central judge have judged, and both boards are fitted."""
    central = create_judge(slug="central", kind="length_preferring", settings={"tie_within": 1})
    made = start_peer_examination(spec, central_judge=central)
    for run in made.runs.all():
        drive_run_chunk("judging", run.pk)
    refresh_board(made.board)
    refresh_board(made.central_board)
    return made


def test_no_model_judges_its_own_answers(examination):
    judged = Judgment.objects.filter(judge__slug__startswith="peer-").select_related(
        "judge__language_model", "battle"
    )
    assert judged.count() == 6 * 4 * 3 * 2  # questions, examiners, pairs of the others, games
    for row in judged:
        assert row.judge.language_model_id not in (row.battle.model_a_id, row.battle.model_b_id)


def test_the_peers_ranking_stands_beside_the_central_judges(examination):
    page = examination_page(examination)
    assert [line.peers.model.slug for line in page.lines] == ["alpha", "beta", "gamma", "delta"]
    assert all(line.peers.rating_lower < line.peers.rating for line in page.lines)
    assert [line.central.rank for line in page.lines] == [1, 2, 3, 4]
    assert page.tau == 1.0


def test_every_examiner_is_shown_with_its_weight(examination):
    page = examination_page(examination)
    assert sorted(each.judge.slug for each in page.examiners) == [
        "peer-alpha",
        "peer-beta",
        "peer-delta",
        "peer-gamma",
    ]
    assert all(each.weight == pytest.approx(1) for each in page.examiners)


def test_starting_again_makes_only_what_is_missing(examination, spec):
    runs = JudgeRun.objects.count()
    again = start_peer_examination(spec)
    assert again == examination
    assert JudgeRun.objects.count() == runs


def test_two_models_are_too_few(question_set, answered):
    with pytest.raises(JudgeRunError, match="at least 3 models"):
        PeerSpec(question_set, answered[:2])


def test_each_run_leaves_its_examiner_out(spec):
    for run in peer_runs(spec):
        assert run.judge.language_model not in run.language_models
        assert len(run.language_models) == 3


def test_the_page_shows_both_rankings(client, examination):
    page = client.get(reverse("peer_examination", args=[examination.board.slug]))
    text = page.content.decode()
    assert page.status_code == 200
    assert "Central judge" in text
    assert "Kendall" in text
    assert "peer-alpha" in text


def test_before_any_verdict_the_page_says_so(client, spec, quiet):
    made = start_peer_examination(spec)
    text = client.get(reverse("peer_examination", args=[made.board.slug])).content.decode()
    assert "once the first verdicts are in" in text


def test_the_form_starts_an_examination(admin_client, question_set, answered, quiet):
    data = {
        "question_set": question_set.pk,
        "language_models": [model.pk for model in answered],
        "kind": "length_preferring",
        "settings": "{}",
    }
    reply = admin_client.post(reverse("peer_examination_new"), data)
    made = PeerExamination.objects.get()
    assert reply["Location"] == reverse("peer_examination", args=[made.board.slug])
    assert made.runs.count() == 4


def test_the_form_tells_what_is_wrong(admin_client, question_set, answered):
    data = {
        "question_set": question_set.pk,
        "language_models": [model.pk for model in answered],
        "kind": "chat",
        "settings": '{"temprature": 1}',
    }
    text = admin_client.post(reverse("peer_examination_new"), data).content.decode()
    assert "has no setting" in text
    assert not Board.objects.exists()


@pytest.fixture
def paid(answered):
    """The four models at one endpoint, each token with a price."""
    from arena.models import Endpoint

    endpoint = Endpoint.objects.create(slug="paid", base_url="http://127.0.0.1:9", api_key="k")
    for model in answered:
        model.endpoint, model.price_in_per_mtok, model.price_out_per_mtok = endpoint, 1.0, 2.0
        model.save()
    return answered


def asked(question_set, models, **changes):
    pks = [model.pk for model in models]
    return {"question_set": question_set.pk, "language_models": pks, "kind": "chat"} | changes


def test_the_plan_adds_up_its_examiners(question_set, paid):
    spec = PeerSpec(question_set, paid)
    central = create_judge(slug="central", kind="chat", language_model=paid[0])
    plan = plan_peers(examination_runs(spec, central, is_planned=True))
    assert [(line.examiner, line.plan.calls) for line in plan.lines] == [
        ("Alpha", 36),
        ("Beta", 36),
        ("Gamma", 36),
        ("Delta", 36),
        ("central", 72),
    ]
    assert (plan.calls, plan.judgments, plan.reused) == (216, 216, 0)
    assert plan.input_tokens == sum(line.plan.input_tokens for line in plan.lines) > 0
    assert plan.output_tokens == sum(line.plan.output_tokens for line in plan.lines) > 0
    assert plan.money == pytest.approx(sum(line.plan.money for line in plan.lines))
    assert plan.money_at_most > plan.money > 0


def test_examiners_at_one_endpoint_take_turns_and_others_work_beside_them(question_set, paid):
    from arena.models import Endpoint

    shared = plan_peers(peer_runs(PeerSpec(question_set, paid), is_planned=True))
    assert shared.seconds == pytest.approx(sum(line.plan.seconds for line in shared.lines))
    paid[0].endpoint = Endpoint.objects.create(slug="own", base_url="http://127.0.0.1:9")
    paid[0].save()
    apart = plan_peers(peer_runs(PeerSpec(question_set, paid), is_planned=True))
    assert apart.seconds == pytest.approx(sum(line.plan.seconds for line in apart.lines[1:]))


def test_one_unknown_price_makes_the_whole_unknown(question_set, paid):
    paid[0].price_in_per_mtok = None
    paid[0].save()
    plan = plan_peers(peer_runs(PeerSpec(question_set, paid), is_planned=True))
    assert plan.money is None


def test_the_form_shows_the_plan_before_anything_is_stored(admin_client, question_set, paid):
    reply = admin_client.get(reverse("peer_examination_plan"), asked(question_set, paid))
    text = reply.content.decode()
    assert "144 to make, 0 there already" in text
    assert re.search(r"Alpha</th>\s*<td[^>]*>36</td>", text)
    assert "$0." in text
    assert not Judge.objects.exists()


def test_without_scripts_the_second_button_shows_the_plan(admin_client, question_set, paid):
    data = asked(question_set, paid, show_plan="1")
    text = admin_client.post(reverse("peer_examination_new"), data).content.decode()
    assert "144 to make, 0 there already" in text
    assert not PeerExamination.objects.exists()


def test_a_plan_of_what_cannot_start_says_why(admin_client, question_set, paid):
    data = asked(question_set, paid, settings='{"temprature": 1}')
    text = admin_client.get(reverse("peer_examination_plan"), data).content.decode()
    assert "has no setting" in text


def test_after_an_examination_the_plan_has_nothing_left(examination, spec):
    plan = plan_peers(peer_runs(spec, is_planned=True))
    assert (plan.judgments, plan.reused) == (0, 144)


@pytest.mark.parametrize("name", ["peer_examination_new", "peer_examination_plan"])
def test_only_staff_may_start_one(client, name):
    assert client.get(reverse(name)).status_code == 302


def test_the_command_judges_rates_and_prints(question_set, answered, quiet):
    out = io.StringIO()
    create_judge(slug="central", kind="length_preferring", settings={"tie_within": 1})
    slugs = [model.slug for model in answered]
    call_command(
        "examine_peers",
        *("--set", question_set.slug, "--models", *slugs, "--kind", "length_preferring"),
        *("--central", "central", "--json"),
        stdout=out,
    )
    told = json.loads(out.getvalue())
    assert [row["model"] for row in told["ranking"]] == slugs
    assert told["kendall_tau"] == 1.0
    assert len(told["examiners"]) == 4


def test_the_command_names_a_wrong_setting(question_set, answered):
    slugs = [model.slug for model in answered]
    with pytest.raises(CommandError, match="has no setting 'x'"):
        call_command(
            "examine_peers",
            *("--set", question_set.slug, "--models", *slugs),
            *("--kind", "length_preferring", "--judge-settings", '{"x": 1}'),
        )


def test_a_task_file_lets_the_models_judge_each_other(question_set, answered, quiet):
    from judging.api import run_task

    create_judge(slug="central", kind="length_preferring", settings={"tie_within": 1})
    result = run_task(
        {
            "mode": "arena",
            "question_set": question_set.slug,
            "answers_gen": {model.slug: {} for model in answered},
            "reviews_gen": {
                "reviewer": "central",
                "peers": {"kind": "length_preferring", "board": "by-peers"},
            },
        }
    )
    assert [row["model"] for row in result.peers["ranking"]] == [m.slug for m in answered]
    assert result.peers["kendall_tau"] == 1.0
    assert Board.objects.filter(slug="by-peers", method="peer_examination").exists()


def test_the_command_spends_nothing_that_nobody_has_agreed_to(question_set, paid):
    with pytest.raises(CommandError, match=r"makes 144 calls, about \$0\.\d\d; add --yes"):
        call_command("examine_peers", "--set", question_set.slug)
    assert not JudgeRun.objects.exists()
    assert not Judge.objects.exists()
