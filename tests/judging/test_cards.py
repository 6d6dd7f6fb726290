"""Judge cards: planted biases are found on them, and every number leads to its rows."""

import random

import pytest
from django.urls import reverse

from arena.models import Answer, Question, QuestionSet, Vote, Voter, WorkStatus
from judging.cards import FIGURES, basis_of, judge_card, read_card_data
from judging.models import JudgeRunMode, Judgment
from judging.services.judges import create_judge

pytestmark = pytest.mark.django_db(transaction=True)
N_QUESTIONS = 150


@pytest.fixture
def many(make_model):
    """Two models of different families with 150 answers each, their lengths at random."""
    ours = make_model("ours", organisation="home")
    theirs = make_model("theirs", organisation="away")
    chosen = QuestionSet.objects.create(slug="many")
    questions = Question.objects.bulk_create(
        Question(
            question_set=chosen,
            external_id=str(number),
            turns=[[{"type": "text", "text": f"{number}?"}]],
            category=("math", "writing")[number % 2],
            language="en",
        )
        for number in range(N_QUESTIONS)
    )
    draw = random.Random(3)
    Answer.objects.bulk_create(
        Answer(
            question=question,
            model=model,
            turns=["x" * draw.randint(10, 400)],
            status=WorkStatus.DONE,
        )
        for question in questions
        for model in (ours, theirs)
    )
    return chosen


@pytest.fixture
def judged(many, spec, decide):
    """The judge of these settings after it has judged all pairs."""

    def judge(repeats=1, mode=JudgeRunMode.PAIRS, **planted):
        row = create_judge(slug="planted", kind="biased", settings={"family": "home", **planted})
        models = tuple(a.model for a in many.questions.first().answers.select_related("model"))
        decide(
            spec(judge=row, question_set=many, language_models=models, repeats=repeats, mode=mode)
        )
        return row

    return judge


def vote_like(judge, share, alice):
    """A person who says what the judge's first game says on this share of the battles."""
    draw = random.Random(5)
    other = {"model_a": "model_b", "model_b": "model_a"}
    for row in Judgment.objects.filter(judge=judge, game=1).order_by("id"):
        said = row.outcome if draw.random() < share else other[row.outcome]
        Vote.objects.create(battle_id=row.battle_id, voter=alice, outcome=said)


@pytest.fixture
def alice(db):
    return Voter.objects.create(key="alice")


def covers(card, key, value):
    estimate = card.get(key).estimate
    return estimate.lower <= value <= estimate.upper


@pytest.mark.parametrize("planted", [0.0, 0.4])
def test_a_planted_position_preference_is_on_the_card(judged, planted):
    card = judge_card(judged(first_position=planted))
    assert covers(card, "first_position", planted + (1 - planted) / 2)


@pytest.mark.parametrize("planted", [0.0, 0.6])
def test_a_planted_length_preference_is_on_the_card(judged, planted):
    card = judge_card(judged(longer=planted))
    assert covers(card, "longer", planted + (1 - planted) / 2)


def test_a_planted_self_preference_is_on_the_card_beside_people(judged, alice):
    judge = judged(own_family=0.5)
    draw = random.Random(7)
    for battle in Judgment.objects.filter(game=1).values_list("battle_id", flat=True):
        outcome = draw.choice(["model_a", "model_b"])
        Vote.objects.create(battle_id=battle, voter=alice, outcome=outcome)
    # half of the verdicts go to its own family, which has half of the others: 0.75 against 0.5
    assert covers(judge_card(judge), "own_family", 0.25)


def test_planted_unreadable_replies_are_on_the_card(judged):
    assert covers(judge_card(judged(unreadable=0.2)), "unreadable", 0.2)


def test_agreement_with_people_is_on_the_card_and_by_category(judged, alice):
    judge = judged()
    vote_like(judge, 0.8, alice)
    card = judge_card(judge)
    assert covers(card, "people", 0.8)
    assert covers(card, "kappa", 0.6)
    assert [part.name for part in card.categories] == ["math", "writing"]
    assert [part.name for part in card.languages] == ["en"]


def test_a_judge_that_never_contradicts_itself_is_wholly_consistent(judged):
    assert judge_card(judged()).get("consistency").estimate.value == 1.0


def test_the_noise_of_repeats_is_on_the_card(judged):
    card = judge_card(judged(repeats=2, mode=JudgeRunMode.SINGLE, score_noise=0.5))
    assert covers(card, "repeat_deviation", 0.5)


def test_judges_are_compared_with_each_other(judged, many, spec, decide):
    judge = judged(longer=1.0)
    longest = create_judge(slug="longest", kind="length_preferring")
    models = tuple(a.model for a in many.questions.first().answers.select_related("model"))
    decide(spec(judge=longest, question_set=many, language_models=models))
    peer = judge_card(judge).peers[0]
    assert peer.judge_id == longest.pk
    assert peer.agreement.value == 1.0


def test_dry_runs_and_marked_rows_do_not_reach_the_card(judged):
    judge = judged()
    Judgment.objects.update(is_dry_run=True)
    assert judge_card(judge).figures == ()


def test_the_card_is_computed_anew_when_rows_arrive(judged, alice):
    judge = judged()
    assert judge_card(judge).get("people") is None
    vote_like(judge, 1.0, alice)
    assert judge_card(judge).get("people").estimate.value == 1.0


def test_every_figure_leads_to_rows_of_the_judge(judged):
    judge = judged(unreadable=0.2)
    data = read_card_data(judge)
    own = {row.pk for row in data.rows}
    for key in FIGURES:
        assert set(basis_of(data, key).ids) <= own
    assert len(basis_of(data, "unreadable").ids) == sum(not row.is_readable for row in data.rows)


def test_the_rows_behind_a_number_are_one_click_away(client, judged):
    judge = judged(unreadable=0.3)
    page = client.get(
        reverse("judge_card", args=[judge.slug, 1]), headers={"HX-Request": "true"}
    ).content.decode()
    address = reverse("judge_figure_rows", args=[judge.slug, 1, "unreadable"])
    assert f'href="{address}"' in page
    assert "I would rather not decide." in client.get(address).content.decode()
    assert client.get(reverse("judge_figure_rows", args=[judge.slug, 1, "luck"])).status_code == 404


def test_agreement_by_category_and_with_other_judges_leads_to_its_own_rows(
    client, judged, alice, many, spec, decide
):
    judge = judged()
    vote_like(judge, 0.8, alice)
    longest = create_judge(slug="longest", kind="length_preferring")
    models = tuple(a.model for a in many.questions.first().answers.select_related("model"))
    decide(spec(judge=longest, question_set=many, language_models=models, limit=10))
    card = client.get(reverse("judge_card", args=[judge.slug, 1])).content.decode()
    address = reverse("judge_figure_rows", args=[judge.slug, 1, "people"])
    assert f'href="{address}?category=math"' in card
    assert f'href="{address}?other={longest.pk}"' in card
    counts = {
        asked: client.get(f"{address}?{asked}").context["page"].paginator.count
        for asked in ("category=math", "language=en", "language=zh", f"other={longest.pk}")
    }
    assert list(counts.values()) == [150, 300, 0, 20]


def test_a_planted_overconfidence_is_on_the_card_and_in_its_bin(judged, alice, client):
    judge = judged(confidence=0.9)
    vote_like(judge, 0.7, alice)
    card = judge_card(judge)
    assert covers(card, "confidence_error", 0.2)
    (only,) = card.reliability.bins
    assert (only.lower, only.mean_confidence) == (0.9, pytest.approx(0.9))
    assert only.agreement.lower <= 0.7 <= only.agreement.upper
    page = client.get(reverse("judge_card", args=[judge.slug, 1])).content.decode()
    address = reverse("judge_figure_rows", args=[judge.slug, 1, "confidence_error"])
    assert page.count(f'href="{address}?bin=9"') == 2  # the agreement and the count
    counts = [client.get(f"{address}?bin={number}").context["page"].paginator.count
              for number in (8, 9)]  # fmt: skip
    assert counts == [0, only.agreement.n] == [0, 2 * N_QUESTIONS]


def test_split_votes_are_left_out_of_calibration_and_self_preference_and_counted(judged, alice):
    judge = judged(confidence=0.9)
    vote_like(judge, 1.0, alice)
    bob, other = Voter.objects.create(key="bob"), {"model_a": "model_b", "model_b": "model_a"}
    for vote in list(Vote.objects.order_by("id")[:10]):
        Vote.objects.create(battle_id=vote.battle_id, voter=bob, outcome=other[vote.outcome])
    card = judge_card(judge)
    assert card.reliability.bins[0].agreement.n == 2 * (N_QUESTIONS - 10)
    assert {key: card.get(key).split for key in ("confidence_error", "own_family", "people")} == {
        "confidence_error": 10,
        "own_family": 10,
        "people": 0,
    }


def test_every_number_on_the_page_of_a_judge_leads_to_its_rows(client, judged):
    judge = judged(unreadable=0.2, confidence=0.8)
    page = client.get(reverse("judge_detail", args=[judge.slug])).content.decode()
    rows = reverse("judge_judgments", args=[judge.slug, 1])
    facts = client.get(reverse("judge_detail", args=[judge.slug])).context["page"].modes[0]
    for state in ("readable", "unreadable", "failed"):
        address = f"{rows}?mode=pairwise&state={state}"
        assert f'href="{address.replace("&", "&amp;")}"' in page
        assert client.get(address).context["page"].paginator.count == getattr(facts, state)
    card = client.get(reverse("judge_card", args=[judge.slug, 1])).content.decode()
    for figure in judge_card(judge).figures:
        address = reverse("judge_figure_rows", args=[judge.slug, 1, figure.key])
        assert f'<a href="{address}"><strong>' in card
        assert client.get(address).context["page"].paginator.count == figure.n_rows


def test_judges_stand_side_by_side(client, judged):
    judged(first_position=0.4)
    page = client.get(reverse("judge_comparison")).content.decode()
    assert "Preference for the first position" in page
    assert " %</a>" in page


def test_the_rows_page_takes_as_many_queries_for_many_rows_as_for_few(
    client, judged, django_assert_num_queries
):
    judge = judged()
    with django_assert_num_queries(10):
        client.get(reverse("judge_figure_rows", args=[judge.slug, 1, "consistency"]))
