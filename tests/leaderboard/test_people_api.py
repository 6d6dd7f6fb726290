"""People and judges in the read API: what the page shows, and nothing that it keeps to itself."""

import pytest
from django.urls import reverse

from arena import keeping, tasks
from arena.models import Battle, KeptFigures, Question, Vote, Voter
from judging.models import Judge
from judging.people import SHOWN, people_page
from judging.people_kept import PEOPLE

pytestmark = pytest.mark.django_db
FIGURES = "/api/v1/people-and-judges"
DISPUTES = f"{FIGURES}/disputes"


@pytest.fixture
def bob(db):
    return Voter.objects.create(key="bob")


@pytest.fixture
def judged(votes, battles, bob, make_verdict):
    """Every vote is the judge's verdict too, but on the first two battles; bob votes like alice."""
    for number, vote in enumerate(votes):
        Vote.objects.create(battle=vote.battle, voter=bob, outcome=vote.outcome)
        said = "model_b" if number < 2 else vote.outcome
        make_verdict(battles[number], said)
    return battles


def disputes(client, **query):
    return client.get(DISPUTES, query).json()


def test_agreement_is_that_of_the_page_in_all_and_by_category(client, judged):
    told = client.get(FIGURES).json()
    (own,) = told["judges"]
    (shown,) = people_page(include_demo=False).judges
    assert (own["judge"], own["version"], own["name"]) == ("judge", 1, "Judge")
    by_category = [own["overall"], *own["categories"]]
    for row, expected in zip(by_category, [shown.overall, *shown.categories], strict=True):
        figures = expected.figures
        assert row["category"] == expected.category
        assert (row["battles"], row["disputes"]) == (expected.battles, expected.disputes)
        for name, estimate in (
            ("agreement", figures.with_ties),
            ("agreement_without_ties", figures.without_ties),
            ("kappa", figures.kappa),
        ):
            assert row[name] == {
                "value": estimate.value,
                "lower": estimate.lower,
                "upper": estimate.upper,
                "votes": estimate.n,
                "questions": estimate.n_clusters,
            }


def test_the_share_of_votes_like_the_verdict_is_what_is_called_agreement(client, judged):
    (own,) = client.get(FIGURES).json()["judges"]
    assert own["overall"]["agreement"]["value"] == pytest.approx(14 / 18)
    assert own["overall"]["agreement"]["votes"] == 18


def test_agreement_among_people_is_told_too(client, judged):
    told = client.get(FIGURES).json()
    first = told["people"][0]
    assert (first["category"], first["alpha"]["value"], first["battles"]) == ("", 1, 9)
    assert (told["votes"], told["split_battles"], told["is_demo"]) == (18, 0, False)


def test_demo_votes_are_told_only_while_nobody_has_voted(client, judged):
    Vote.objects.update(source="demo")
    told = client.get(FIGURES).json()
    assert (told["is_demo"], told["votes"]) == (True, 18)
    Vote.objects.filter(voter__key="bob").update(source="human")
    told = client.get(FIGURES).json()
    assert (told["is_demo"], told["votes"]) == (False, 9)


def test_a_dispute_names_the_battle_and_both_sides_of_it(client, judged):
    told = disputes(client)
    assert told["count"] == 2
    assert told["items"][-1] == {
        "battle": judged[0].pk,
        "question": judged[0].question.first_line,
        "category": judged[0].question.category,
        "model_a": judged[0].model_a.slug,
        "model_b": judged[0].model_b.slug,
        "judge": "judge",
        "version": 1,
        "people": "model_a",
        "verdict": "model_b",
        "votes": 2,
    }


def test_disputes_come_a_page_at_a_time_in_the_order_of_the_page(client, judged):
    shown = [dispute.battle.pk for dispute in people_page(include_demo=False).disputes]
    paged = [disputes(client, limit=1, offset=place) for place in range(3)]
    assert [[row["battle"] for row in page["items"]] for page in paged] == [
        [shown[0]], [shown[1]], [],
    ]  # fmt: skip
    assert {page["count"] for page in paged} == {2}


def test_disputes_can_be_narrowed_to_a_judge_a_version_and_a_category(client, judged, make_verdict):
    newer = Judge.objects.create(
        slug="judge", version=2, name="Judge", kind="scripted", fingerprint="2"
    )
    other = Judge.objects.create(slug="other", name="Other", kind="scripted", fingerprint="3")
    for judge in (newer, other):
        make_verdict(judged[0], "model_b", judge=judge)
    category = judged[1].question.category
    of_category = {battle.pk for battle in judged[:2] if battle.question.category == category}
    assert disputes(client)["count"] == 4
    assert disputes(client, judge="judge")["count"] == 3
    assert disputes(client, judge="judge", version=2)["count"] == 1
    assert disputes(client, judge="nobody")["items"] == []
    found = disputes(client, judge="judge", version=1, category=category)["items"]
    assert {row["battle"] for row in found} == of_category
    assert disputes(client, category="no such thing")["count"] == 0


def test_personal_data_in_a_visitors_prompt_stays_out(client, judged):
    """As on the page: of live prompts the line without personal data, marked battles not at all."""
    turns = [[{"type": "text", "text": "Write to bob@example.org about it\nand secretly so"}]]
    Question.objects.filter(pk=judged[0].question_id).update(turns=turns, tags=["live"])
    Battle.objects.filter(pk=judged[0].pk).update(origin="live")
    page = client.get(reverse("people_and_judges")).text
    answer = client.get(DISPUTES)
    assert answer.json()["items"][-1]["question"] == "Write to [email] about it"
    for text in (page, answer.text):
        assert "Write to [email] about it" in text
        assert "bob@example.org" not in text
        assert "secretly" not in text


def test_battles_that_are_left_out_are_not_told(client, judged):
    Battle.objects.filter(pk=judged[0].pk).update(exclusion="identity_leak")
    assert [row["battle"] for row in disputes(client)["items"]] == [judged[1].pk]


@pytest.mark.parametrize(
    "query", ["version=0", "version=x", "version=9999999999", "limit=0", "offset=-1"]
)
def test_a_wrong_parameter_is_refused_with_its_place(client, judged, query):
    answer = client.get(f"{DISPUTES}?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"]


def test_figures_that_a_worker_keeps_are_told_with_their_moment(client, judged, monkeypatch):
    monkeypatch.setattr(keeping, "KEPT_FROM_S", 0)
    PEOPLE.renew()
    Vote.objects.filter(voter__key="bob").delete()
    told = client.get(FIGURES).json()
    moment = KeptFigures.objects.get().worked_out_at
    assert told["votes"] == 18
    assert told["worked_out_at"].startswith(f"{moment:%Y-%m-%dT%H:%M:%S}")
    assert told["is_old"] is False
    PEOPLE.doubt()
    monkeypatch.setattr(tasks.renew_figures, "delay", lambda name: None)
    assert client.get(FIGURES).json()["is_old"] is True


@pytest.mark.parametrize("address", [FIGURES, DISPUTES])
def test_while_the_first_figures_are_worked_out_the_answer_says_when_to_ask_again(
    client, judged, monkeypatch, address
):
    asked = []
    monkeypatch.setattr(keeping, "MANY_VOTES", 0)
    monkeypatch.setattr(tasks.renew_figures, "delay", asked.append)
    answer = client.get(address)
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert "ask again" in answer.json()["detail"]
    tasks.renew_figures(asked.pop())
    assert client.get(address).status_code == 200


def test_the_number_of_queries_does_not_grow_with_the_disputes(
    client, judged, django_assert_num_queries
):
    for limit in (1, SHOWN):
        with django_assert_num_queries(8):
            client.get(DISPUTES, {"limit": limit})
    with django_assert_num_queries(7):
        client.get(FIGURES)


def test_both_addresses_are_explained_and_only_read(client, judged):
    text = client.get(reverse("api_docs")).text
    for address in (FIGURES, DISPUTES):
        assert address in text
        assert client.post(address, {}).status_code == 405
    assert "agreement_without_ties" in text
