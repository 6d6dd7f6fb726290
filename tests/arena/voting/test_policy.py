"""What staff may enter in the voting policy, and what is made of what stands there anyhow."""

import json

import numpy as np
import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.urls import reverse

from arena.live.seating import draw_seats
from arena.models import Endpoint, LanguageModel, VotingPolicy
from arena.voting import weights
from arena.voting.weights import boost_of, weights_of
from arena.voting_forms import PolicyForm

pytestmark = pytest.mark.django_db
EVERY_BAD_WEIGHT = ["x", None, True, [2], 0, -1, float("nan"), float("inf")]


@pytest.fixture(autouse=True)
def _nothing_reported():
    weights._report.cache_clear()
    weights._report_all.cache_clear()


@pytest.fixture
def staff(client):
    made = get_user_model().objects.create_user("staff", password="x", is_staff=True)
    client.force_login(made)
    return made


def entered(**changed):
    """The form as a browser sends it, with the usual values where nothing else is said."""
    usual = {
        field.name: getattr(VotingPolicy(), field.name)
        for field in VotingPolicy._meta.fields
        if field.name not in ("id", "moderation_endpoint", "model_weights")
    }
    return usual | {"model_weights": "{}"} | changed


@pytest.fixture
def send(client, staff):
    return lambda **changed: client.post(reverse("voting_policy"), entered(**changed))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ('{"alpha": 0, "beta": 0}', "The weight of “alpha” is 0: enter a number from 0.001"),
        ('{"alpha": "x"}', "The weight of “alpha” is &quot;x&quot;"),
        ('{"alpha": -1}', "is -1"),
        ('{"alpha": NaN}', "is NaN"),
        ('{"alpha": Infinity}', "is Infinity"),
        ('{"alpha": true}', "is true"),
        ('{"alpha": 1e-9}', "is 1e-09"),
        ("[1]", "[1] is no list of models"),
        ("7", "7 is no list of models"),
        ('{"nobody": 2}', "No model has the slug “nobody”"),
        ('{"\\u0000": 2}', "No model has the slug"),
        ("{", "Enter a valid JSON"),
    ],
)
def test_weights_that_cannot_be_drawn_by_are_refused_and_kept_in_the_form(
    send, alpha, beta, given, told
):
    page = send(model_weights=given)
    assert told in page.text
    form = page.context["form"]
    assert list(form.errors) == ["model_weights"]
    assert json.dumps(form["model_weights"].value()) != json.dumps("{}")
    assert 'href="#id_model_weights"' in page.text
    assert not VotingPolicy.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "lowest", "highest"),
    [
        ("boost_factor", "0.5", "1", "1000"),
        ("boost_until_votes", "-1", "0", "1000000"),
        ("overlap_share", "2", "0", "1"),
        ("overlap_votes", "0", "1", "1000"),
        ("gold_share", "-0.1", "0", "1"),
        ("gold_failures", "0", "1", "1000"),
        ("characters_per_second", "0.0", "1", "1000000"),
        ("minimum_reading_s", "-1.0", "0", "600"),
        ("refused_votes_per_minute", "0", "1", "1000000"),
        ("marked_votes_per_hour", "0", "1", "1000000"),
        ("marked_votes_per_day", "0", "1", "1000000"),
        ("marked_votes_per_address_and_hour", "0", "1", "1000000"),
        ("live_prompts_per_minute", "0", "1", "1000000"),
        ("live_prompts_per_address_and_minute", "0", "1", "1000000"),
        ("live_temperature", "-3.0", "0", "2"),
        ("live_max_tokens", "0", "1", "1000000"),
    ],
)
def test_a_number_out_of_range_is_refused_beside_its_field(send, field, value, lowest, highest):
    page = send(**{field: value})
    form = page.context["form"]
    assert form.errors.get_json_data().keys() == {field}
    told = form.errors[field][0]
    assert f"{float(value):g}" in told.replace(".0 ", " ")
    assert f"from {lowest} to {highest}" in told
    assert form[field].value() == value
    assert not VotingPolicy.objects.exists()


def test_number_fields_tell_the_browser_their_range():
    form = PolicyForm()
    attributes = form.fields["live_temperature"].widget.attrs
    assert {name: attributes[name] for name in ("min", "max", "step")} == {
        "min": 0,
        "max": 2,
        "step": "any",
    }
    assert form.fields["live_max_tokens"].widget.attrs["step"] == "1"


@pytest.mark.parametrize(
    ("moderation", "field"),
    [("endpoint", "moderation_endpoint"), ("words", "moderation_words")],
)
def test_moderation_needs_what_it_moderates_by(send, moderation, field):
    form = send(moderation=moderation).context["form"]
    assert list(form.errors) == [field]


def test_moderation_by_a_chosen_endpoint_is_stored(send):
    endpoint = Endpoint.objects.create(slug="guard", name="Guard", base_url="http://guard/v1")
    assert send(moderation="endpoint", moderation_endpoint=endpoint.pk).status_code == 302
    assert VotingPolicy.objects.get().moderation_endpoint == endpoint


@pytest.mark.parametrize("given", ["", "null", "[]", "{}"])
def test_no_weights_at_all_are_stored_as_none(send, given):
    assert send(model_weights=given).status_code == 302
    assert VotingPolicy.objects.get().model_weights == {}


def test_good_weights_are_stored(send, alpha):
    assert send(model_weights='{"alpha": 0.5}').status_code == 302
    assert VotingPolicy.objects.get().model_weights == {"alpha": 0.5}


def test_a_constraint_is_told_in_words():
    with pytest.raises(ValidationError, match="numbers from 0 to 1"):
        VotingPolicy(pk=1, overlap_share=2).validate_constraints()


@pytest.mark.parametrize("bad", EVERY_BAD_WEIGHT)
def test_a_weight_that_is_no_positive_number_counts_as_one(bad):
    assert weights_of(["alpha", "beta"], {"alpha": bad, "beta": 3}).tolist() == [1.0, 3.0]


@pytest.mark.parametrize("given", [[1], "x", None, 7])
def test_weights_that_are_no_object_leave_all_models_alike(given):
    assert weights_of(["alpha", "beta"], given).tolist() == [1.0, 1.0]


def test_weights_of_all_sizes_give_every_pair_a_probability():
    assert np.all(np.outer(*[weights_of(["a", "b"], {"a": 1e-300, "b": 1e300})] * 2) > 0)


@pytest.mark.parametrize("factor", [float("nan"), float("inf"), 0.0])
def test_a_boost_that_is_none_changes_nothing(factor):
    assert boost_of(factor) == 1.0


def test_a_bad_weight_is_logged_once(caplog):
    for _ in range(3):
        weights_of(["alpha"], {"alpha": 0})
    assert [record.args[:2] for record in caplog.records] == [("0", "alpha")]


@pytest.mark.parametrize("sampling", ["weighted", "boosted"])
@pytest.mark.parametrize(
    "stored", [{"alpha": 0, "beta": 0, "gamma": 0}, {"alpha": "x"}, [1], {"alpha": -1}]
)
def test_bad_weights_in_the_database_leave_voting_open(
    stored_answers, policy, alice, sampling, stored
):
    policy(sampling=sampling, model_weights=stored)
    assert alice.page().status_code == 200
    assert 0 < alice.ballot().draw_probability <= 1


@pytest.mark.parametrize("sampling", ["weighted", "boosted"])
@pytest.mark.parametrize("stored", [{"alpha": 0, "beta": 0}, {"alpha": "x"}, [1]])
def test_bad_weights_in_the_database_leave_live_battles_open(alpha, beta, policy, sampling, stored):
    endpoint = Endpoint.objects.create(slug="one", name="One", base_url="http://one/v1")
    LanguageModel.objects.update(endpoint=endpoint, provider_model="m")
    seating = draw_seats(policy(sampling=sampling, model_weights=stored))
    assert seating.draw_probability == 1.0
