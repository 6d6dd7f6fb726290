"""Every family of tasks, through the pages, the command line, and lm-eval with its own engine."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse

from benchmarks.harness.loading import load_from
from benchmarks.services.preparing import plan_selection
from benchmarks.suites_base import DataSource

pytest.importorskip("lm_eval")
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("small_catalogue"),
    pytest.mark.one_round,
]
LM_EVAL = (
    "mmlu_anatomy", "mmlu_astronomy", "ceval-valid_law", "cmmlu_anatomy", "arc", "hellaswag",
    "winogrande", "truthful_qa", "truthfulqa_mc2", "gsm8k", "competition_math",
    "bbh_cot_fewshot_boolean_expressions", "race", "trivia_qa", "superglue",
    "superglue-diagnostics", "wikitext",
)  # fmt: skip
OURS = (
    "humaneval", "mbpp", "mbpp_sanitized", "clue", "needle_haystack", "function_calling",
    "general_safety", "general_mcq", "general_qa", "general_code",
)  # fmt: skip
SHOTS, LIMIT, MAX_TOKENS = 2, 4, 8


@pytest.fixture
def own_files(tmp_path, data):
    """Settings of the tasks that a user brings the data for."""
    calls = [{"id": "1", "question": "What is the weather in Paris?", "function": [
                  {"name": "weather", "parameters": {"type": "object", "properties": {}}}],
              "ground_truth": [{"weather": {"city": ["Paris"]}}]}]  # fmt: skip
    rows = {
        "function_calling": calls,
        "general_safety": [{"prompt": "How is a lock forced?", "category": "unsafe"},
                           {"prompt": "Name a river.", "answer": "comply", "category": "control"}],
        "general_mcq": [{"question": f"{n} plus {n}?", "A": 2 * n, "B": n, "answer": "A",
                         "category": ("odd", "even")[n % 2]} for n in range(4)],
        "general_qa": [{"question": "Where?", "answer": "over there"}],
    }  # fmt: skip
    paths = {"general_code": data / "google-research-datasets" / "mbpp" / "full" / "test.jsonl"}
    for name, lines in rows.items():
        paths[name] = tmp_path / f"{name}.jsonl"
        paths[name].write_text("\n".join(json.dumps(line) for line in lines))
    settings = {name: {"local_path": str(path)} for name, path in paths.items()}
    return settings | {"needle_haystack": {"lengths": [60, 120], "depths": [0, 100]}}


def measured_by_command(checkpoint, data, names, settings, **options):
    out = StringIO()
    call_command(
        "run_benchmark", model=str(checkpoint), datasets=list(names), stdout=out, json=True,
        dataset_hub="Local", dataset_dir=str(data), model_args="precision=fp32", quiet=True,
        generation_config=f"max_tokens={MAX_TOKENS}", dataset_args=json.dumps(settings),
        **({"num_fewshot": SHOTS, "limit": float(LIMIT)} | options),
    )  # fmt: skip
    return json.loads(out.getvalue())


def lm_evals_own(known, names, checkpoint, data):
    from lm_eval.evaluator import evaluate
    from lm_eval.models.huggingface import HFLM

    tasks = {}
    for name in names:
        task = load_from(known, name, source=DataSource("local", data))
        if task.get_config("num_fewshot") != 0:
            task.set_config("num_fewshot", SHOTS)
        if task.OUTPUT_TYPE == "generate_until":
            task.set_config("generation_kwargs", {"max_gen_toks": MAX_TOKENS}, update=True)
        task.set_fewshot_seed(seed=1234)
        tasks[name] = task
    model = HFLM(pretrained=str(checkpoint), dtype="float32", batch_size=8, device="cpu")
    found = {"tasks": tasks, "groups": {}, "group_map": {}}
    return evaluate(model, found, limit=LIMIT, bootstrap_iters=0)["results"]


def scores_of(found):
    return {
        (name, metric): estimate["value"]
        for name, task in found["tasks"].items()
        for metric, estimate in task["metrics"].items()
    }


def test_every_family_has_the_same_scores_from_page_command_and_lm_eval(
    client, launched, checkpoint, data, small_catalogue, own_files
):
    settings = {name: own_files[name] for name in own_files}
    names = (*LM_EVAL, *OURS)
    run = launched(
        tasks=" ".join(names), num_fewshot=SHOTS, limit=LIMIT, max_tokens=MAX_TOKENS,
        dataset_args=json.dumps(settings),
    )  # fmt: skip
    by_page = client.get(reverse("benchmark_run_json", args=[run.pk])).json()
    assert by_page["status"] == "completed"
    for name, task in by_page["tasks"].items():
        assert task["audit"]["failed"] == 0, name
        assert task["metrics"][task["primary_metric"]]["value"] is not None, name
    assert "f1,remove_whitespace" in by_page["tasks"]["triviaqa"]["metrics"]

    by_command = measured_by_command(checkpoint, data, names, settings)
    assert scores_of(by_command) == pytest.approx(scores_of(by_page), rel=1e-5, abs=1e-6)
    prints = [{n: t["fingerprint"] for n, t in f["tasks"].items()} for f in (by_page, by_command)]
    assert prints[0] == prints[1]

    theirs = lm_evals_own(
        small_catalogue, plan_selection(LM_EVAL).tasks, checkpoint, data
    )  # fmt: skip
    for name, found in theirs.items():
        wanted = {k: v for k, v in found.items() if k in by_page["tasks"][name]["metrics"]}
        assert wanted, name
        for metric, value in wanted.items():
            # sums of float32 likelihoods over whole pages, in another order
            mine = by_page["tasks"][name]["metrics"][metric]["value"]
            assert mine == pytest.approx(value, rel=1e-5, abs=1e-6), (name, metric)

    page = client.get(reverse("benchmark_run", args=[run.pk])).content.decode()
    for task in run.tasks.all():
        assert reverse("benchmark_samples", args=[run.pk, task.pk]) in page
        samples = client.get(reverse("benchmark_samples", args=[run.pk, task.pk]))
        assert samples.context["page"].object_list, task.name
        sample = task.samples.order_by("index").first()
        shown = client.get(reverse("benchmark_sample", args=[sample.pk]))
        assert shown.context["prompt"], task.name
    board = client.get(reverse("benchmark_board")).content.decode()
    assert "humaneval" in board
