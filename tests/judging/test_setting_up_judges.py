"""Judges set up from the command line, the page and a task file."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from arena.models import Endpoint, LanguageModel
from judging.judges import JudgeSettingsError
from judging.kinds import kinds_of_judge
from judging.models import Judge
from judging.services.local_models import local_model
from judging.task_file import TaskFileError, task_from

pytestmark = pytest.mark.django_db


def set_up(*arguments):
    out = io.StringIO()
    call_command("set_up_judge", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_makes_a_judge_and_says_its_version(referee):
    assert set_up("mine", "--kind", "chat", "--model", "referee") == "mine@1\n"
    assert set_up("mine", "--model", "referee", "--set", "temperature=0.5") == "mine@2\n"
    assert Judge.objects.get(version=2).settings == {"temperature": 0.5}


def test_a_value_that_is_no_json_is_text(referee):
    set_up("mine", "--model", "referee", "--set", "pair_prompts=agon_pair_five_level")
    assert Judge.objects.get().settings == {"pair_prompts": "agon_pair_five_level"}


def test_a_checkpoint_becomes_a_free_model_of_this_machine():
    set_up("reward", "--kind", "reward_model", "--checkpoint", "/models/reward")
    model = Judge.objects.get().language_model
    assert (model.slug, model.provider_model) == ("reward", "/models/reward")
    assert model.endpoint.provider == "transformers_local"
    assert (model.price_in_per_mtok, model.price_out_per_mtok) == (0, 0)


def test_a_checkpoint_does_not_take_the_name_of_a_model_elsewhere(referee):
    with pytest.raises(JudgeSettingsError, match="give the checkpoint another name"):
        local_model("referee", "/models/x")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mine", "--kind", "reward_model", "--set", "scale=0.0"), "scale is 0.0"),
        (("mine", "--kind", "chat"), "needs a model to ask"),
        (("mine", "--set", "temperature"), "is not NAME=VALUE"),
        ((), "name the judge"),
    ],
)
def test_what_cannot_work_is_told(arguments, message):
    with pytest.raises(CommandError, match=message):
        set_up(*arguments)


def test_the_kinds_are_listed_with_their_settings():
    told = set_up("--kinds")
    assert 'tie_break="tie"' in told
    assert "quorum=0" in told
    assert "script=…" in told


def test_every_kind_documents_its_settings():
    for kind in kinds_of_judge():
        assert kind.notes
        assert kind.modes


def test_the_page_lists_the_kinds_and_takes_a_checkpoint(admin_client):
    assert "tie_break" in admin_client.get(reverse("judge_new")).content.decode()
    data = {
        "slug": "reward",
        "kind": "reward_model",
        "checkpoint": "/models/reward",
        "settings": '{"tie_eta": 1.5}',
    }
    assert admin_client.post(reverse("judge_new"), data).status_code == 302
    assert Judge.objects.get().language_model.provider_model == "/models/reward"


def test_the_page_takes_a_model_or_a_checkpoint_but_not_both(admin_client, referee):
    data = {"slug": "x", "kind": "chat", "language_model": referee.pk, "checkpoint": "/m"}
    assert "not both" in admin_client.post(reverse("judge_new"), data).content.decode()
    assert not Judge.objects.exists()


def test_a_judge_that_cannot_be_made_leaves_no_model_behind(admin_client):
    data = {"slug": "x", "kind": "reward_model", "checkpoint": "/m", "settings": '{"scale": -1.0}'}
    assert "must be above 0" in admin_client.post(reverse("judge_new"), data).content.decode()
    assert not LanguageModel.objects.filter(slug="x").exists()
    assert not Endpoint.objects.exists()


TASK = {"question_set": "q", "answers_gen": {"a": {}}, "reviews_gen": {"reviewer": "j"}}


def test_a_task_file_names_a_checkpoint(tmp_path):
    reviewer = {"name": "rm", "kind": "reward_model", "model": "rm", "checkpoint": "/m"}
    task = task_from(
        {**TASK, "mode": "arena", "reviews_gen": {"reviewer": reviewer}},
        where="the task",
        folder=tmp_path,
    )
    assert task.reviews_gen.reviewer.checkpoint == "/m"


def test_peers_take_the_mode_in_which_all_pairs_are_judged(tmp_path):
    reviews = {"reviewer": "j", "peers": {"kind": "chat"}}
    with pytest.raises(TaskFileError, match="only in mode arena"):
        task_from(
            {**TASK, "mode": "single", "reviews_gen": reviews}, where="the task", folder=tmp_path
        )
