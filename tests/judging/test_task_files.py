"""Task files: the whole chain from one YAML file, as often as one likes."""

import io
import json
from pathlib import Path

import pytest
import yaml
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command

from arena.models import Answer, LanguageModel, RunStatus
from judging.api import TaskFileError, run_task
from judging.models import Judge, JudgeRun, Judgment
from judging.services.arena_task import drive_here
from judging.task_file import read_task_file

pytestmark = pytest.mark.django_db(transaction=True)
EXAMPLES = Path(django_settings.BASE_DIR) / "examples" / "arena"


@pytest.fixture(autouse=True)
def no_queue(monkeypatch):
    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *_: None)


@pytest.fixture
def example(tmp_path):
    """A copy of an example whose report goes into the test's own folder."""

    def copy(name, **changes):
        for path in EXAMPLES.iterdir():
            (tmp_path / path.name).write_bytes(path.read_bytes())
        task = yaml.safe_load((EXAMPLES / name).read_text()) | {"report_file": "report.html"}
        (tmp_path / name).write_text(yaml.safe_dump(task | changes, allow_unicode=True))
        return tmp_path / name

    return copy


def told_by(path, *arguments):
    out = io.StringIO()
    call_command("run_arena", "-c", str(path), "--json", *arguments, stdout=out)
    return json.loads(out.getvalue())


def test_the_arena_example_goes_from_questions_to_a_report(example):
    path = example("arena.yaml")
    told = told_by(path)
    assert (told["done"], told["failed"]) == (8, 0)
    assert [row["model"] for row in told["ratings"]] == ["thorough", "brief"]
    assert "Win rate" in (path.parent / "report.html").read_text()


def test_the_single_example_rates_by_mean_score(example):
    told = told_by(example("single.yaml"))
    assert told["done"] == 8
    assert told["ratings"][0]["model"] == "thorough"


def test_a_second_time_nothing_is_made_twice(example):
    path = example("arena.yaml")
    told_by(path)
    counts = (Answer.objects.count(), Judgment.objects.count(), JudgeRun.objects.count())
    told = told_by(path)
    assert (Answer.objects.count(), Judgment.objects.count(), JudgeRun.objects.count()) == counts
    assert told["judge_run"] == JudgeRun.objects.get().pk
    assert Judge.objects.count() == 1


def test_a_dry_run_rates_nothing(example):
    told = told_by(example("arena.yaml"), "--dry-run")
    assert (told["is_dry_run"], told["done"], told["ratings"]) == (True, 8, [])


def test_models_and_judges_are_set_up_and_asked_through_their_endpoints(
    example, served, monkeypatch
):
    monkeypatch.setenv("EXAMPLE_KEY", "test")
    reached = {"base_url": served.url, "api_key_env": "EXAMPLE_KEY"}
    path = example(
        "baseline.yaml",
        answers_gen={
            "brief": {"answers_file": "answers-brief.jsonl"},
            "alpha": {**reached, "generation": {"temperature": 0.5}},
        },
        reviews_gen={
            "reviewer": {
                "name": "Served judge", "model": "served-judge", **reached,
                "price_in_per_mtok": 1, "price_out_per_mtok": 1,
            },
            "baseline": "brief",
        },
    )  # fmt: skip
    with pytest.raises(CommandError, match="add --yes to spend it"):
        told_by(path)
    told = told_by(path, "--yes")
    assert (told["done"], told["plan"]["calls"]) == (8, 8)
    assert {call.body["model"] for call in served.calls} == {"alpha", "served-judge"}
    assert LanguageModel.objects.get(slug="alpha").endpoint.api_key == ""


class Killed(BaseException):
    """The process ends at once: nothing is stopped, nothing is told."""


def killed(run):
    raise Killed


def killed_while_judging(run):
    if isinstance(run, JudgeRun):
        raise Killed
    drive_here(run)


def test_a_task_that_was_killed_anywhere_is_finished_by_the_same_command(
    example, served, monkeypatch
):
    monkeypatch.setenv("EXAMPLE_KEY", "test")
    reached = {"base_url": served.url, "api_key_env": "EXAMPLE_KEY"}
    path = example(
        "baseline.yaml",
        answers_gen={"brief": {"answers_file": "answers-brief.jsonl"}, "alpha": reached},
        reviews_gen={
            "reviewer": {"name": "Served judge", "model": "served-judge", **reached},
            "baseline": "brief",
        },
    )
    for drive in (killed, killed_while_judging):
        with pytest.raises(Killed):
            run_task(path, drive=drive)
    assert JudgeRun.objects.get().status == RunStatus.ACTIVE
    told = told_by(path, "--yes")
    assert (told["done"], len(told["ratings"])) == (8, 2)
    assert (path.parent / "report.html").exists()
    assert JudgeRun.objects.get().status == RunStatus.COMPLETED
    assert len(served.calls) == 4 + 8
    assert told_by(path, "--yes")["done"] == 8
    assert len(served.calls) == 4 + 8


def test_from_python_a_task_may_be_plain_data(example):
    path = example("arena.yaml")
    task = yaml.safe_load(path.read_text())
    for part in task["answers_gen"].values():
        part["answers_file"] = str(path.parent / part["answers_file"])
    task |= {"questions_file": str(path.parent / "questions.jsonl"), "report_file": None}
    result = run_task(task)
    assert result.judge_run.judgments.readable().count() == 8
    assert result.ratings["ratings"][0]["model"] == "thorough"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"mode": "duel"}, "mode: Input should be 'single'"),
        ({"reviews_gen": {}}, "reviews_gen.reviewer: Field required"),
        ({"judge": "me"}, "judge: Extra inputs are not permitted"),
        ({"rating_gen": {}, "elo_rating": {}}, "keep one"),
        ({"mode": "pairwise_baseline"}, "needs reviews_gen.baseline"),
        ({"answers_gen": {"brief": {"enable": False}}}, "enable at least one"),
    ],
)
def test_a_wrong_key_is_named_with_its_place(example, changes, told):
    path = example("arena.yaml", **changes)
    with pytest.raises(TaskFileError, match=told) as error:
        read_task_file(path)
    assert str(path) in str(error.value)


def test_what_the_task_names_must_be_there(example):
    path = example("arena.yaml", questions_file=None)
    with pytest.raises(CommandError, match="there is no set 'example'") as error:
        told_by(path)
    assert error.value.returncode == 2


def test_adaptive_and_batch_are_options_of_a_task_file(example):
    path = example("arena.yaml", reviews_gen={
        "reviewer": {"name": "longest-wins", "kind": "length_preferring"},
        "adaptive": {"within": 300, "stop_at": "interval"},
    })  # fmt: skip
    told = told_by(path)
    assert told["plan"]["adaptive_within"] == 300
    assert JudgeRun.objects.get().settings["adaptive"]["stop_at"] == "interval"
    assert told["done"] == 8
    with pytest.raises(TaskFileError, match="mode single compares no models"):
        read_task_file(example("single.yaml", reviews_gen={
            "reviewer": "longest-wins", "adaptive": {"within": 300},
        }))  # fmt: skip


LLMUSES = {
    "question_file": "questions.jsonl",
    "answers_gen": {
        "brief": {
            "model_id_or_path": "maker/brief-7b",
            "revision": "v1",
            "precision": "fp16",
            "template_type": "chat",
            "generation_config": {"temperature": 0.5, "max_new_tokens": 99, "do_sample": True},
            "enable": True,
            "output_file": "answers-brief.jsonl",
        },
        "thorough": {"output_file": "answers-thorough.jsonl"},
        "absent": {"model_id_or_path": "x", "enable": False},
    },
    "reviews_gen": {
        "enable": True,
        "reviewer": {
            "ref": "some.module:Reviewer",
            "args": {"model": "judge-model", "max_tokens": 1024, "temperature": 0.2,
                     "mode": "pairwise-baseline", "position_bias_mitigation": True},
        },
        "prompt_file": "prompts.jsonl",
        "baseline_file": "answers/brief.jsonl",
        "review_file": "reviews.jsonl",
        "cache_file": None,
    },
    "rating_gen": {"enable": True, "metrics": ["pairwise"], "report_file": "report.html"},
}  # fmt: skip


def test_the_keys_of_llmuses_mean_what_they_mean_there(tmp_path):
    (tmp_path / "task.yaml").write_text(yaml.safe_dump(LLMUSES))
    task = read_task_file(tmp_path / "task.yaml")
    assert (task.mode, task.question_set) == ("pairwise_baseline", "questions")
    assert task.questions_file == tmp_path / "questions.jsonl"
    assert list(task.enabled_answers()) == ["brief", "thorough"]
    brief = task.answers_gen["brief"]
    assert (brief.provider_model, brief.answers_file.name) == (
        "maker/brief-7b",
        "answers-brief.jsonl",
    )
    assert (brief.generation.temperature, brief.generation.max_tokens) == (0.5, 99)
    assert task.reviews_gen.baseline == "brief"
    assert task.reviews_gen.reviewer.model == "judge-model"
    assert task.reviews_gen.reviewer.settings == {"max_tokens": 1024, "temperature": 0.2}
    assert (task.rating.method, task.report_file) == ("win_rate", tmp_path / "report.html")


@pytest.mark.parametrize(
    ("mode", "ours"), [("single", "single"), ("pairwise", "arena"), ("duel", "duel")]
)
def test_the_modes_of_llmuses_are_translated_and_others_refused(tmp_path, mode, ours):
    reviews = {"reviewer": {"args": {"model": "j", "mode": mode}}}
    (tmp_path / "task.yaml").write_text(yaml.safe_dump(LLMUSES | {"reviews_gen": reviews}))
    if ours == "duel":
        with pytest.raises(TaskFileError, match="mode: Input should be"):
            read_task_file(tmp_path / "task.yaml")
    else:
        assert read_task_file(tmp_path / "task.yaml").mode == ours


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_is_a_valid_task(path):
    assert read_task_file(path).name


def test_where_no_reply_can_be_read_the_report_tells_why_before_the_rating_fails(example, served):
    reached = {"base_url": served.url}
    served.reply = lambda messages: "I cannot say."
    path = example(
        "arena.yaml", reviews_gen={"reviewer": {"name": "Mute", "model": "mute", **reached}}
    )
    with pytest.raises(CommandError, match="nothing that this board counts"):
        told_by(path, "--yes")
    assert "8 could not be read" in (path.parent / "report.html").read_text()
