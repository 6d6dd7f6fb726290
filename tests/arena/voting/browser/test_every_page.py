"""Every page of voting, with something on it: axe-core, both colour schemes, no page too wide."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from arena.models import (
    Ballot,
    Battle,
    Endpoint,
    Exclusion,
    GoldBattle,
    InviteRound,
    LanguageModel,
    SatisfactionRating,
    Vote,
    Voter,
    VoteRelease,
)
from arena.services.battles import stored_battle
from arena.voting.progress import PERSONAL_BOARD_FROM
from arena.voting.release import ReleaseOptions
from arena.voting.releasing import ask_for_release, make_release
from arena.voting.review import mark_voter
from judging.models import Judge, Judgment
from tests.arena.voting.browser.conftest import SIZES
from tests.arena.voting.browser.test_voting import LONG, RICH

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.one_round]
FADED = """async () => {
    await new Promise(requestAnimationFrame);
    const fading = document.getAnimations().filter((one) => one instanceof CSSTransition);
    await Promise.allSettled(fading.map((one) => one.finished));
}"""
SCHEMES = [("desktop", "light"), ("desktop", "dark"), ("phone", "light"), ("phone", "dark")]


@pytest.fixture
def arena(question_set, make_model, make_answer, policy, settings, tmp_path, admin_user):
    """Votes, marks, ratings, verdicts, a round, a control question, a release, live models."""
    settings.MEDIA_ROOT = tmp_path / "media"
    policy(consent_text="")
    endpoint = Endpoint.objects.create(
        slug="e", name="e", provider="scripted", settings={"default": "A fair **answer**."}
    )
    models = [
        make_model(f"model-with-a-long-name-{n}", display_name=f"A Model with a Long Name {n}")
        for n in range(2)
    ]
    LanguageModel.objects.update(endpoint=endpoint)
    judge = Judge.objects.create(slug="referee", name="Referee", kind="scripted")
    invite = InviteRound.objects.create(title="A round", instructions="Look at facts.", code="code")
    voters = [Voter.objects.create(key=f"{n}4b5c6d7e8f901234567890") for n in range(3)]
    for number, question in enumerate(question_set.questions.all()[:4]):
        text = (LONG, RICH, "短答。")[number % 3]
        answers = [make_answer(m, question, f"{text}\n\n{m.pk}") for m in models]
        battle = stored_battle(*answers)
        Judgment.objects.create(
            judge=judge, mode="pairwise", battle=battle, status="done", is_readable=True,
            outcome="model_b",
        )  # fmt: skip
        invite.assignments.create(battle=battle, position=number)
        for place, voter in enumerate(voters):
            vote = Vote.objects.create(
                battle=battle, voter=voter, outcome="model_a", shown_first="a",
                exclusion="too_fast" if place == 1 else "",
            )  # fmt: skip
            Ballot.objects.create(
                voter=voter, battle=battle, round=invite, shown_first="a", status="voted",
                vote=vote, closed_at=timezone.now(), reading_s=4.5,
            )  # fmt: skip
            SatisfactionRating.objects.create(
                voter=voter, answer=answers[0], score=place + 2, rated_at=timezone.now()
            )
    invite.voters.set(voters)
    for place, voter in enumerate(voters[:2]):
        invite.annotators.create(voter=voter, name=("Ada", "张伟")[place])
    mark_voter(voters[2], Exclusion.OUTLIER_VOTER, detail="40 : 1 against voting like the others")
    GoldBattle.objects.create(battle=Battle.objects.first(), expected="model_a", note="clear")
    make_release(
        ask_for_release(dialect="fastchat_battles", options=ReleaseOptions(), by=admin_user).pk
    )
    return invite


@pytest.fixture
def open_as_staff(open_tab, server, admin_user):
    def open_(size, scheme, **options):
        tab = open_tab(SIZES[size], color_scheme=scheme, **options)
        client = Client()
        client.force_login(admin_user)
        name = settings.SESSION_COOKIE_NAME
        cookie = {"name": name, "value": client.cookies[name].value, "url": server}
        tab.page.context.add_cookies([cookie])
        return tab

    return open_


def sound(tab):
    assert tab.findings() == [], tab.page.url
    assert tab.overflow <= 0, tab.page.url
    assert tab.errors == [], tab.page.url


@pytest.fixture
def own_board(arena, admin_user):
    """Enough votes of the administrator's for a board of their own."""
    voter = Voter.objects.create(key="5b5c6d7e8f901234567890", user=admin_user)
    first, second = LanguageModel.objects.order_by("pk")
    for number in range(PERSONAL_BOARD_FROM):
        battle = Battle.objects.create(model_a=first, model_b=second, origin="imported")
        Vote.objects.create(battle=battle, voter=voter, outcome=("model_a", "tie")[number % 2])
    return voter


@pytest.mark.parametrize(("size", "locale"), [("desktop", "en-US"), ("phone", "zh-CN")])
def test_every_page_of_voting_is_accessible_and_fits(arena, own_board, open_as_staff, size, locale):
    """In either colour scheme: the second differs in nothing but colours."""
    tab = open_as_staff(size, "light", locale=locale)
    release = VoteRelease.objects.get()
    assert release.status == "done"
    names = (
        "rate_answer", "satisfaction", "my_votes", "voter_privacy", "integrity", "voting_policy",
        "round_list", "release_list", "people_and_judges", "side_by_side", "direct_chat",
    )  # fmt: skip
    addresses = [reverse(name) for name in names]
    addresses += [reverse("round_detail", args=[arena.pk]), reverse("round_join", args=["code"])]
    addresses += [f"{reverse('vote')}?round=code", reverse("battle_list")]
    shown = ""
    for address in addresses:
        tab.page.emulate_media(color_scheme="light")
        if "round=" in address:
            arena.voters.add(own_board)
        tab.open(address)
        sound(tab)
        tab.page.emulate_media(color_scheme="dark")
        tab.page.evaluate(FADED)
        assert tab.findings(only="color-contrast") == [], address
        shown += tab.page.locator("main").inner_html()
    for part in ("data-personal-board", "data-ballot", "data-rate", "Krippendorff"):
        assert part in shown, part


def test_a_long_reason_why_votes_were_held_back_fits_a_phone(arena, open_as_staff):
    tab = open_as_staff("phone", "light", locale="en-US").open(reverse("release_list"))
    expect(tab.page.get_by_text("voted faster than the answers can be read")).to_be_visible()
    sound(tab)


def test_headings_of_an_answer_stand_below_its_side(arena, open_as_staff, server):
    """Whichever battle is drawn: one with headings in both answers is left."""
    question = Battle.objects.order_by("pk")[1].question
    invite = InviteRound.objects.create(title="Headings", instructions="# What counts", code="h")
    invite.assignments.create(battle=Battle.objects.get(question=question), position=0)
    for size in SIZES:
        tab = open_as_staff(size, "light")
        tab.open(reverse("round_join", args=["h"]))
        sound(tab)
        if tab.page.get_by_role("button", name="Begin").count():
            tab.page.get_by_role("button", name="Begin").click()
        expect(tab.page.locator(".pane-reply h4").first).to_be_attached()
        sound(tab)
        tab.open(reverse("battle_detail", args=[invite.assignments.get().battle_id]))
        sound(tab)
        tab.open(reverse("question_detail", args=[question.pk]))
        sound(tab)


@pytest.mark.parametrize(("size", "scheme"), SCHEMES)
def test_a_battle_is_accessible_and_fits_before_and_after_the_vote(
    arena, open_as_staff, size, scheme
):
    tab = open_as_staff(size, scheme).open("/vote/")
    sound(tab)
    tab.page.get_by_text("Say more (optional)").click()
    sound(tab)
    tab.page.keyboard.press("ArrowLeft")
    expect(tab.page.locator("[data-reveal]")).to_be_visible()
    sound(tab)


@pytest.mark.parametrize(("size", "scheme"), SCHEMES)
def test_a_live_battle_is_accessible_and_fits_from_prompt_to_reveal(
    arena, open_as_staff, size, scheme
):
    tab = open_as_staff(size, scheme).open("/live/")
    sound(tab)
    tab.page.locator("[data-agree]").check()
    tab.page.get_by_label("Your prompt").fill("Why?")
    tab.page.keyboard.press("Enter")
    expect(tab.page.locator("[data-votes]")).to_be_visible()
    expect(tab.page.locator("[data-pane=left] .prose")).to_have_count(1)
    sound(tab)
    tab.page.get_by_role("button", name="Tie").click()
    expect(tab.page.locator("[data-reveal]")).to_be_visible()
    sound(tab)


def test_a_rating_needs_one_key(arena, open_as_staff):
    tab = open_as_staff("desktop", "light").open("/rate/")
    tab.page.keyboard.press("4")
    expect(tab.page.get_by_role("status").first).to_contain_text("4")
    assert SatisfactionRating.objects.filter(score=4, reasons=[]).count() > 4
