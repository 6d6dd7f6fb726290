"""What the database itself refuses, constraint by constraint."""

import pytest
from django.db import IntegrityError, connection, transaction

from arena.models import (
    Answer,
    Battle,
    Endpoint,
    LanguageModel,
    License,
    Question,
    Vote,
    Voter,
)
from arena.models.fields import UndecipherableSecretError

pytestmark = pytest.mark.django_db


def refused(constraint, create):
    """The change is refused; PostgreSQL names the constraint, SQLite for checks only."""
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        create()
    if connection.vendor == "postgresql" or "CHECK" in str(error.value):
        assert constraint in str(error.value)


def test_a_conditional_licence_states_its_condition():
    refused(
        "license_conditional_use_states_its_condition",
        lambda: License.objects.create(spdx_id="X", name="X", commercial_use="conditional"),
    )


def test_copyleft_is_shipped_as_commercially_usable():
    copyleft = ("GPL-2.0-only", "GPL-3.0-only", "LGPL-3.0-only", "AGPL-3.0-only", "MPL-2.0")
    for spdx_id in (*copyleft, "CC-BY-SA-4.0"):
        assert License.objects.get(spdx_id=spdx_id).is_commercially_usable


def test_non_commercial_licences_are_shipped_as_such():
    for spdx_id in ("CC-BY-NC-4.0", "CC-BY-NC-ND-4.0", "CC-BY-NC-SA-4.0"):
        assert not License.objects.get(spdx_id=spdx_id).is_commercially_usable


@pytest.mark.parametrize(
    ("spdx_id", "family", "use", "said"),
    [
        ("Apache-2.0", "permissive", "allowed", "patent"),
        ("MIT", "permissive", "allowed", "notice"),
        ("BSD-3-Clause", "permissive", "allowed", "notice"),
        ("WTFPL", "permissive", "allowed", ""),
        ("CC-BY-4.0", "creative_commons", "allowed", "credit"),
        ("CC-BY-SA-4.0", "creative_commons", "allowed", "same licence"),
        ("CC-BY-NC-4.0", "creative_commons", "forbidden", "commercial"),
        ("CC-BY-NC-ND-4.0", "creative_commons", "forbidden", "adaptations"),
        ("AGPL-3.0-only", "copyleft", "allowed", "network"),
        ("MPL-2.0", "copyleft", "allowed", "files"),
        ("LicenseRef-OpenRAIL-M", "responsible_ai", "conditional", "restrictions"),
        ("LicenseRef-Llama-2", "community", "conditional", "700 million"),
        ("LicenseRef-Llama-3", "community", "conditional", "Built with Meta Llama 3"),
        ("LicenseRef-Proprietary", "proprietary", "conditional", "terms of service"),
        ("LicenseRef-Non-commercial", "unknown", "forbidden", "commercial"),
    ],
)
def test_a_licence_is_shipped_in_its_legal_substance(spdx_id, family, use, said):
    license_ = License.objects.get(spdx_id=spdx_id)
    assert (license_.family, license_.commercial_use) == (family, use)
    assert said in license_.condition


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("language_model_prices_are_not_negative", {"price_in_per_mtok": -1}),
        ("language_model_prices_are_not_negative", {"price_out_per_mtok": -0.5}),
        ("language_model_size_is_positive", {"parameters_b": 0}),
        ("language_model_has_a_slug", {"slug": ""}),
    ],
)
def test_a_language_model_with_a_wrong_figure_is_refused(constraint, columns):
    values = {"slug": "x", "display_name": "X", **columns}
    refused(constraint, lambda: LanguageModel.objects.create(**values))


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("endpoint_has_at_least_one_slot", {"max_concurrency": 0}),
        ("endpoint_timeout_is_positive", {"timeout_s": 0}),
    ],
)
def test_an_endpoint_that_could_never_answer_is_refused(constraint, columns):
    refused(constraint, lambda: Endpoint.objects.create(slug="x", name="X", **columns))


def test_a_question_id_is_unique_in_its_set(question_set):
    refused(
        "question_external_id_is_unique_in_its_set",
        lambda: Question.objects.create(question_set=question_set, external_id="q1", turns=[]),
    )


def test_a_question_has_an_id(question_set):
    refused(
        "question_has_an_external_id",
        lambda: Question.objects.create(question_set=question_set, external_id="", turns=[]),
    )


def test_an_answer_set_has_one_answer_per_model_and_question(question_set, alpha, make_answer):
    question = question_set.questions.first()
    make_answer(alpha, question)
    refused(
        "answer_set_has_one_answer_per_model_and_question",
        lambda: make_answer(alpha, question, "another text"),
    )
    make_answer(alpha, question, "a second sample", sample_index=1)


def test_the_answer_of_a_battle_is_stored_once(question_set, alpha, make_answer):
    columns = {"sample_index": None, "content_hash": "same"}
    question = question_set.questions.first()
    make_answer(alpha, question, **columns)
    refused("answer_of_a_battle_is_stored_once", lambda: make_answer(alpha, question, **columns))


def test_a_model_does_not_battle_itself(alpha):
    refused(
        "battle_has_two_different_models",
        lambda: Battle.objects.create(model_a=alpha, model_b=alpha, origin="imported"),
    )


def test_a_battle_has_two_answers_or_none(question_set, alpha, beta, make_answer):
    answer = make_answer(alpha, question_set.questions.first())
    refused(
        "battle_has_two_answers_or_none",
        lambda: Battle.objects.create(
            model_a=alpha, model_b=beta, answer_a=answer, origin="imported"
        ),
    )


def test_a_battle_of_stored_answers_exists_once_in_one_order(
    question_set, alpha, beta, make_battle
):
    battle = make_battle(question_set.questions.first(), alpha, beta)
    same = {"model_a": battle.model_a, "model_b": battle.model_b}
    refused(
        "battle_of_stored_answers_exists_once",
        lambda: Battle.objects.create(**same, answer_a=battle.answer_a, answer_b=battle.answer_b),
    )
    refused(
        "battle_of_stored_answers_has_its_sides_in_order",
        lambda: Battle.objects.create(**same, answer_a=battle.answer_b, answer_b=battle.answer_a),
    )


def test_a_battle_of_stored_answers_has_answers(alpha, beta):
    refused(
        "battle_of_stored_answers_has_its_sides_in_order",
        lambda: Battle.objects.create(model_a=alpha, model_b=beta, origin="stored"),
    )


@pytest.fixture
def battle(question_set, alpha, beta, make_battle):
    return make_battle(question_set.questions.first(), alpha, beta)


def test_a_second_vote_by_the_same_voter_is_rejected(battle):
    mallory = Voter.objects.create(key="mallory")
    Vote.objects.create(battle=battle, voter=mallory, outcome="model_a")
    refused(
        "vote_is_cast_once_per_voter_and_battle",
        lambda: Vote.objects.create(battle=battle, voter=mallory, outcome="model_b"),
    )


def test_what_is_imported_twice_is_rejected(alpha, beta):
    def battle():
        return Battle.objects.create(
            model_a=alpha, model_b=beta, origin="imported", external_key="file:1"
        )

    first = battle()
    refused("battle_is_imported_once", battle)
    Vote.objects.create(battle=first, outcome="tie", external_key="file:1")
    refused(
        "vote_is_imported_once",
        lambda: Vote.objects.create(battle=first, outcome="tie", external_key="file:1"),
    )


def test_a_voter_merged_into_itself_is_rejected():
    mallory = Voter.objects.create(key="mallory")
    refused(
        "voter_is_not_merged_into_itself",
        lambda: Voter.objects.filter(pk=mallory.pk).update(merged_into=mallory),
    )


def test_votes_without_a_known_voter_are_all_kept(battle):
    for _ in range(2):
        Vote.objects.create(battle=battle, outcome="tie")
    assert battle.votes.count() == 2


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("vote_outcome_is_known", {"outcome": "bothbad"}),
        ("vote_outcome_is_known", {"outcome": ""}),
        (
            "vote_draw_probability_is_a_probability",
            {"outcome": "tie", "draw_probability": 0.0},
        ),
        (
            "vote_draw_probability_is_a_probability",
            {"outcome": "tie", "draw_probability": 1.5},
        ),
    ],
)
def test_a_vote_that_says_nothing_sensible_is_refused(battle, constraint, columns):
    refused(constraint, lambda: Vote.objects.create(battle=battle, **columns))


def test_an_api_key_is_unreadable_in_the_database():
    Endpoint.objects.create(slug="x", name="X", api_key="sk-secret-value")
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key FROM arena_endpoint WHERE slug = 'x'")
        assert "secret" not in cursor.fetchone()[0]
    assert Endpoint.objects.get(slug="x").api_key == "sk-secret-value"


def test_a_key_stored_under_another_secret_is_an_explained_error(settings):
    Endpoint.objects.create(slug="x", name="X", api_key="sk-secret-value")
    settings.SECRET_KEY = "another secret"
    endpoint = Endpoint.objects.get(slug="x")
    with pytest.raises(UndecipherableSecretError, match="SECRET_KEY has changed"):
        _ = endpoint.api_key


def test_saving_something_else_keeps_a_key_that_cannot_be_read(settings):
    Endpoint.objects.create(slug="x", name="X", api_key="sk-secret-value")
    right = settings.SECRET_KEY
    settings.SECRET_KEY = "another secret"
    endpoint = Endpoint.objects.get(slug="x")
    endpoint.name = "Y"
    endpoint.save()
    settings.SECRET_KEY = right
    endpoint = Endpoint.objects.get(slug="x")
    assert (endpoint.name, endpoint.api_key) == ("Y", "sk-secret-value")


def test_a_repr_of_an_answer_starts_no_query(question_set, alpha, django_assert_num_queries):
    answer = Answer(question=question_set.questions.first(), model=alpha)
    with django_assert_num_queries(0):
        str(answer)
