"""Judges set up from the command line, the page and a task file."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from arena.models import Endpoint, LanguageModel
from judging.forms import JudgeForm
from judging.judges import JudgeSettingsError
from judging.kinds import kinds_of_judge
from judging.models import Judge
from judging.services.judges import create_judge, judge_from_row
from judging.services.local_models import local_model
from judging.task_file import TaskFileError, task_from

pytestmark = [pytest.mark.one_round, pytest.mark.django_db]


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


@pytest.fixture
def three(referee):
    """Judges that may sit on a jury."""
    return [
        create_judge(slug=slug, kind="chat", language_model=referee, settings={"temperature": t})
        for slug, t in (("one", 0.0), ("two", 0.5), ("three", 1.0))
    ]


def jury_of(judges, **changes):
    return {"slug": "panel", "kind": "jury", "members": [judge.pk for judge in judges]} | changes


def sent(admin_client, data):
    """The errors by field, none when the judge was made."""
    reply = admin_client.post(reverse("judge_new"), data)
    return {} if reply.status_code == 302 else dict(reply.context["form"].errors)


def test_a_jury_is_made_from_its_fields(admin_client, three):
    fields = {"repeats": 2, "aggregation": "majority", "quorum": 4, "tie_break": "first"}
    assert sent(admin_client, jury_of(three, **fields)) == {}
    made = Judge.objects.get(slug="panel")
    members = made.settings.pop("members")
    assert made.settings == fields
    assert [member["name"] for member in members] == ["one@1", "three@1", "two@1"]
    assert members[2] == {
        "name": "two@1",
        "kind": "chat",
        "model": "referee",
        "settings": {"temperature": 0.5},
    }


def test_what_is_left_empty_has_its_default_and_the_settings_hold_the_rest(admin_client, three):
    assert sent(admin_client, jury_of(three, settings='{"single_turns": "whole"}')) == {}
    settings = Judge.objects.get(slug="panel").settings
    assert set(settings) == {"members", "single_turns"}
    jury = judge_from_row(Judge.objects.get(slug="panel"))
    assert (jury.quorum, jury.settings.tie_break, jury.settings.repeats) == (2, "tie", 1)


def test_a_members_own_turns_are_left_to_the_jury(admin_client, referee):
    whole = {"single_turns": "whole"}
    one = create_judge(slug="one", kind="chat", language_model=referee, settings=whole)
    assert sent(admin_client, jury_of([one])) == {}
    (member,) = Judge.objects.get(slug="panel").settings["members"]
    assert "settings" not in member


def test_members_may_still_be_listed_in_the_settings(admin_client, referee):
    settings = '{"members": [{"kind": "chat", "model": "referee"}]}'
    assert sent(admin_client, {"slug": "panel", "kind": "jury", "settings": settings}) == {}


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"members": []}, "members", "A jury needs members"),
        ({"quorum": 4}, "quorum", "give 3 verdicts at most; a quorum of 4"),
        ({"quorum": 7, "settings": '{"repeats": 2}'}, "quorum", "give 6 verdicts at most"),
        ({"quorum": 0}, "quorum", "greater than or equal to 1"),
        ({"repeats": 0}, "repeats", "greater than or equal to 1"),
        ({"aggregation": "dice"}, "aggregation", "not one of the available choices"),
        ({"aggregation": "mean", "tie_break": "first"}, "tie_break", "no ties to break"),
        ({"quorum": 2, "settings": '{"quorum": 1}'}, "quorum", "here and in the settings"),
        ({"checkpoint": "/m"}, "checkpoint", "asks its members' models"),
        ({"settings": '{"quorumm": 1}'}, "__all__", "has no setting 'quorumm'"),
    ],
)
def test_a_jury_that_makes_no_sense_is_refused_at_its_field(
    admin_client, three, changes, field, told
):
    errors = sent(admin_client, jury_of(three, **changes))
    assert list(errors) == [field]
    assert told in " ".join(errors[field])
    assert not Judge.objects.filter(slug="panel").exists()


def test_a_jurys_fields_are_refused_for_other_kinds(admin_client, three, referee):
    errors = sent(admin_client, jury_of(three, kind="chat", language_model=referee.pk, quorum=2))
    assert "Only a jury has: Members, Quorum." in str(errors["__all__"])


def test_a_jury_cannot_be_chosen_for_a_jury(admin_client, three):
    assert sent(admin_client, jury_of(three)) == {}
    panel = Judge.objects.get(slug="panel")
    assert panel not in JudgeForm().fields["members"].queryset


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
