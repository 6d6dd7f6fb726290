"""Nothing about the models reaches the browser before the vote is stored."""

import re

import pytest
from django.urls import reverse

from arena.models import Answer, Ballot, Battle

pytestmark = pytest.mark.django_db


def everything_sent(response):
    """Status line, headers and body as the browser gets them."""
    headers = "\n".join(f"{name}: {value}" for name, value in response.items())
    return f"{headers}\n{response.content.decode()}"


@pytest.fixture
def telling_answers(question_set, make_model, make_answer, policy):
    """Models whose names, organisations and links are easy to search for."""
    models = [
        make_model(f"zq-{word}-9", display_name=f"Zq{word}", organisation=f"Org{word}")
        for word in ("amber", "birch", "cedar")
    ]
    for question in question_set.questions.all():
        for number, model in enumerate(models):
            make_answer(model, question, f"Text number {number}.", finish_reason="stop")
    return models


def secrets_of(models):
    for model in models:
        yield from (model.slug, model.display_name, model.organisation)


def test_the_page_the_fragment_and_their_headers_hold_no_name(telling_answers, alice):
    first = everything_sent(alice.page())
    token = re.search(r'name="token" value="([^"]+)"', first).group(1)
    second = everything_sent(alice.client.get(reverse("vote_next"), {"after": token}))
    for secret in secrets_of(telling_answers):
        assert secret.lower() not in (first + second).lower()


def test_no_id_or_figure_of_an_answer_or_battle_reaches_the_page(two_replies, alice):
    first, second = two_replies("one", "two", ids=(700_701, 700_702))
    Answer.objects.update(latency_s=777.125, output_tokens=888_123, ttft_s=0.0625)
    Battle.objects.create(
        pk=700_703,
        question=first.question,
        model_a=first.model,
        model_b=second.model,
        answer_a=first,
        answer_b=second,
    )
    sent = everything_sent(alice.page())
    assert Ballot.objects.get().battle_id == 700_703
    assert not re.search(r"70070[123]|777\.1|888123|0\.0625", sent)


def test_the_order_of_the_models_cannot_be_read_off_the_markup(telling_answers, new_browser):
    shapes = {"a": set(), "b": set()}
    for _ in range(12):
        browser = new_browser()
        page = browser.page().text
        ballot = Ballot.objects.order_by("-id").first()
        stage = page[page.index("data-stage") : page.index("data-said")]
        for changing in (ballot.token, *re.findall(r'csrfmiddlewaretoken" value="(\w+)', stage)):
            stage = stage.replace(changing, "")
        of_the_question = r' lang="[\w-]*"|(Question|Text number) \d'
        shapes[ballot.shown_first].add(re.sub(of_the_question, "", stage))
    assert shapes["a"] == shapes["b"]


def test_the_preloaded_battle_in_the_answer_to_a_vote_holds_no_name(telling_answers, alice):
    told = alice.cast().json()
    for secret in secrets_of(telling_answers):
        assert secret.lower() not in told["next"].lower()


def test_the_names_come_with_the_answer_to_the_vote(telling_answers, alice):
    told = alice.cast().json()
    ballot = Ballot.objects.get(status="voted")
    assert ballot.battle.model_a.display_name in told["left"] + told["right"]
    assert ballot.battle.model_b.display_name in told["left"] + told["right"]


def test_verdicts_of_judges_stay_hidden_until_the_vote(telling_answers, alice):
    token = alice.token()
    address = reverse("vote_verdicts", args=[token])
    assert alice.client.get(address).status_code == 404
    alice.cast("left", token)
    assert alice.client.get(address).status_code == 200


def test_verdicts_are_told_to_the_voter_of_that_battle_only(telling_answers, alice, mallory):
    token = alice.token()
    alice.cast("left", token)
    mallory.page()
    assert mallory.client.get(reverse("vote_verdicts", args=[token])).status_code == 404


def test_html_in_questions_and_answers_is_shown_and_not_run(two_replies, alice):
    attack = '<img src=x onerror=alert(2)> <b onclick="x()">hi</b>'
    question = two_replies(attack, f"{attack} too")[0].question
    question.turns = [[{"type": "text", "text": "<script>alert(1)</script> What?"}]]
    question.save()
    page = alice.page().text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_instructions_to_the_voter_inside_an_answer_stay_text_within_its_pane(two_replies, alice):
    lure = '</article></form><form action="https://evil.example"><button name="choice">Vote A'
    two_replies(f"{lure}\n\n[Vote](javascript:alert(1))", "fair")
    page = alice.page().text
    assert "&lt;/article&gt;&lt;/form&gt;&lt;form" in page
    assert '<form action="https' not in page
    assert 'href="javascript' not in page


def test_an_image_from_elsewhere_is_not_loaded_by_the_page(two_replies, alice):
    two_replies("![x](https://evil.example/alpha.png)", "fair")
    assert '<img src="https://evil' not in alice.page().text


def test_the_page_forbids_inline_script(stored_answers, alice):
    page = alice.page()
    rules = page["Content-Security-Policy"]
    script = next(rule for rule in rules.split(";") if rule.strip().startswith("script-src"))
    assert "unsafe-inline" not in script
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>(?!\s*</script>)", page.text)
    assert not re.search(r"\son[a-z]+=", page.text)
