"""Setting up endpoints and models in the console, and seeing that they answer."""

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from arena.models import Endpoint, LanguageModel
from tests.openai_server import Fault, OpenAIServer, Reply, every, run_in_thread

pytestmark = pytest.mark.django_db
LIMITS = {"max_concurrency": 4, "timeout_s": 60, "max_attempts": 1, "provider": "openai_compatible"}


@pytest.fixture
def served():
    with run_in_thread(OpenAIServer(reply=lambda _: Reply("Hello there."))) as server:
        yield server


@pytest.fixture
def endpoint(db, served):
    return Endpoint.objects.create(
        slug="lab", name="Lab", base_url=served.url, api_key="sk-secret-of-the-lab", timeout_s=60
    )


@pytest.fixture
def clerk(client, db):
    """Staff without the right to change endpoints or models."""
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    return client


def page(client, name, *args):
    return client.get(reverse(name, args=args)).content.decode()


def post(client, name, /, *args, **data):
    return client.post(reverse(name, args=args), data, follow=True)


def test_an_endpoint_is_added_with_a_short_name_made_from_its_name(admin_client):
    post(admin_client, "endpoint_new", name="My Lab", base_url="http://lab:8000", **LIMITS)
    assert Endpoint.objects.get().slug == "my-lab"


def test_two_endpoints_do_not_share_a_short_name(admin_client, endpoint):
    text = post(admin_client, "endpoint_new", name="Lab", **LIMITS).content.decode()
    assert "Another endpoint has this short name." in text
    assert Endpoint.objects.count() == 1


def test_a_stored_key_is_never_shown(admin_client, endpoint):
    for name, args in (("model_setup", ()), ("endpoint_edit", (endpoint.pk,))):
        assert "sk-secret" not in page(admin_client, name, *args)


def test_a_key_that_is_left_empty_stays(admin_client, endpoint):
    kept = {"name": "Lab", "slug": "lab", "base_url": endpoint.base_url}
    post(admin_client, "endpoint_edit", endpoint.pk, **kept, **LIMITS, api_key="")
    assert Endpoint.objects.get().api_key == "sk-secret-of-the-lab"
    assert Endpoint.objects.get().max_concurrency == 4


def test_a_stored_key_does_not_follow_to_another_address(admin_client, endpoint):
    moved = {"name": "Lab", "slug": "lab", "base_url": "http://elsewhere"}
    text = post(admin_client, "endpoint_edit", endpoint.pk, **moved, **LIMITS).content.decode()
    assert "enter the key again" in text
    assert Endpoint.objects.get().base_url == endpoint.base_url


def test_a_key_of_another_secret_can_be_replaced(admin_client, endpoint, settings):
    settings.SECRET_KEY = "another secret"
    admin_client.force_login(User.objects.get(username="admin"))
    kept = {"name": "Lab", "slug": "lab", "base_url": endpoint.base_url}
    post(admin_client, "endpoint_edit", endpoint.pk, **kept, **LIMITS, api_key="sk-new")
    assert Endpoint.objects.get().api_key == "sk-new"


def test_the_list_tells_which_key_is_not_set(admin_client, db, monkeypatch):
    monkeypatch.delenv("LAB_KEY", raising=False)
    Endpoint.objects.create(slug="x", name="X", api_key_env="LAB_KEY")
    assert "LAB_KEY is not set" in page(admin_client, "model_setup")
    monkeypatch.setenv("LAB_KEY", "k")
    assert "LAB_KEY is not set" not in page(admin_client, "model_setup")


def test_an_endpoint_tells_what_it_serves(admin_client, endpoint):
    text = post(admin_client, "endpoint_offers", endpoint.pk).content.decode()
    for name in ("alpha", "beta", "gamma"):
        assert f'value="{name}"' in text


def test_an_endpoint_that_refuses_says_why(admin_client, endpoint, served):
    served.api_key = "another key"
    text = post(admin_client, "endpoint_offers", endpoint.pk).content.decode()
    assert "authentication_failed" in text
    assert "sk-secret" not in text


def test_chosen_models_are_added_under_the_names_that_the_endpoint_uses(admin_client, endpoint):
    post(admin_client, "endpoint_take", endpoint.pk, names=["org/alpha", "beta"])
    model = LanguageModel.objects.get(slug="org-alpha")
    assert (model.provider_model, model.endpoint) == ("org/alpha", endpoint)


def test_a_model_known_from_files_gets_the_endpoint_that_serves_it(admin_client, endpoint, alpha):
    post(admin_client, "endpoint_take", endpoint.pk, names=["alpha"])
    alpha.refresh_from_db()
    assert alpha.endpoint == endpoint


def test_a_model_of_another_endpoint_is_left_alone(admin_client, endpoint, make_model):
    other = Endpoint.objects.create(slug="other", name="Other")
    model = make_model("alpha", endpoint=other)
    post(admin_client, "endpoint_take", endpoint.pk, names=["alpha"])
    model.refresh_from_db()
    assert model.endpoint == other


def test_a_model_is_added_with_what_is_known_of_it(admin_client, endpoint):
    known = {"slug": "qwen2.5:7b", "release_date": "2024-09-19", "parameters_b": "7.6"}
    post(admin_client, "model_new", **known, endpoint=endpoint.pk, is_active="on")
    model = LanguageModel.objects.get()
    assert (model.display_name, model.parameters_b, model.endpoint) == (
        "qwen2.5:7b",
        7.6,
        endpoint,
    )


def test_settings_that_are_no_object_are_refused(admin_client):
    text = post(admin_client, "model_new", slug="x", provider_settings="[1]").content.decode()
    assert "Write a JSON object" in text
    assert not LanguageModel.objects.exists()


def test_a_model_that_answers_shows_its_words(admin_client, endpoint, make_model):
    make_model("alpha", endpoint=endpoint)
    assert "Hello there." in post(admin_client, "model_try", "alpha").content.decode()


def test_a_model_that_fails_shows_the_reason_after_one_call(
    admin_client, endpoint, make_model, served
):
    served.fault = every(1, Fault("server_error"))
    make_model("alpha", endpoint=endpoint)
    assert "server_error" in post(admin_client, "model_try", "alpha").content.decode()
    assert len(served.calls) == 1


def test_a_missing_key_is_named_when_a_model_is_tried(admin_client, make_model, monkeypatch):
    monkeypatch.delenv("LAB_KEY", raising=False)
    silent = Endpoint.objects.create(slug="x", name="X", api_key_env="LAB_KEY")
    make_model("alpha", endpoint=silent)
    assert "LAB_KEY" in post(admin_client, "model_try", "alpha").content.decode()


@pytest.mark.parametrize("name", ["endpoint_new", "model_new"])
def test_staff_without_the_right_change_nothing(clerk, name):
    assert clerk.get(reverse(name)).status_code == 403


def test_the_right_to_change_models_is_enough_for_models(client, db):
    editor = User.objects.create_user("editor", is_staff=True)
    editor.user_permissions.add(Permission.objects.get(codename="change_languagemodel"))
    client.force_login(editor)
    assert client.get(reverse("model_new")).status_code == 200


def test_visitors_are_sent_to_sign_in(client, db):
    assert client.get(reverse("model_setup")).status_code == 302


def test_the_form_for_answers_leads_to_the_endpoints_when_nothing_can_be_called(admin_client):
    assert reverse("model_setup") in page(admin_client, "generate_answers")
