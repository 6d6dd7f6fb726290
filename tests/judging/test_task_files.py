"""Task files: the whole chain from one YAML file, as often as one likes."""

import io
import json
from pathlib import Path

import pytest
import yaml
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command

from arena.models import Answer, LanguageModel
from judging.api import TaskFileError, run_task
from judging.models import Judge, JudgeRun, Judgment
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


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_is_a_valid_task(path):
    assert read_task_file(path).name
