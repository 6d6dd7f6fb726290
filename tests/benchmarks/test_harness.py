"""lm-eval's tasks behind our face give lm-eval's own prompts, metrics and errors."""

import logging
import math
import os
import random
from pathlib import Path
from statistics import stdev

import pytest

from benchmarks.engine.loading import prepare
from benchmarks.engine.local import LocalEngine
from benchmarks.engine.requests import (
    Decoding,
    GenerationRequest,
    LikelihoodRequest,
    RollingRequest,
)
from benchmarks.engine.spec import ModelSpec
from benchmarks.harness.catalogue import (
    DEFINITIONS,
    Catalogue,
    catalogue,
    kept_file,
    read_catalogue,
    tasks_folder,
)
from benchmarks.harness.data import data_from
from benchmarks.harness.definitions.diagnostics import matthews, parity
from benchmarks.harness.groups import tree
from benchmarks.harness.loading import load_from
from benchmarks.harness.multiple_choice import LetterTask
from benchmarks.harness.task import HarnessTask
from benchmarks.statistics.estimates import mean_estimate
from benchmarks.suites_base import (
    AskProtocol,
    DataSource,
    RequestKind,
    Response,
    TaskError,
    TaskOptions,
)
from tests.benchmarks.datasets_on_disk import FOLDERS, write_all
from tests.benchmarks.tiny import make_model, make_tokenizer

pytest.importorskip("lm_eval")

EXACT = 1e-9
TASKS = [
    "arc_challenge", "hellaswag", "winogrande", "truthfulqa_mc1", "truthfulqa_mc2", "mmlu_anatomy",
    "gsm8k", "ceval-valid_law", "cmmlu_anatomy", "hendrycks_math_algebra",
    "bbh_cot_fewshot_boolean_expressions", "race", "triviaqa", "boolq", "cb", "wikitext",
]  # fmt: skip


@pytest.fixture(scope="module")
def known():
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    return read_catalogue([DEFINITIONS, *(tasks_folder() / folder for folder in FOLDERS)])


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return DataSource("local", write_all(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def engine():
    tokenizer = make_tokenizer(adds_bos=True)
    return LocalEngine(prepare(ModelSpec("tiny"), make_model(max_length=2048), tokenizer))


def respond(engine, request):
    if request.kind is RequestKind.LIKELIHOOD:
        found = engine.likelihoods([LikelihoodRequest(request.context, request.continuation)])[0]
        return Response(logprob=found.logprob, is_greedy=found.is_greedy)
    if request.kind is RequestKind.ROLLING:
        found = engine.rolling([RollingRequest(request.context)])[0]
        return Response(logprob=found.logprob, tokens=found.tokens, is_rolling=True)
    decoding = Decoding(max_tokens=12, stop=tuple(request.decoding["stop"]))
    return Response(text=engine.generate([GenerationRequest(request.context, decoding)])[0].text)


def scores_of(task, engine):
    """Metric → values, by our own path, from requests to aggregated numbers."""
    collected = {}
    for sample in task.build():
        stored = {
            "requests": [request.as_dict() for request in sample.requests],
            "target": sample.target,
            "choices": list(sample.choices),
        }
        responses = [respond(engine, request) for request in sample.requests]
        for metric, value in task.score(sample.index, stored, responses).metrics.items():
            collected.setdefault(metric, []).append(value)
    found = {}
    for metric, values in collected.items():
        special = task.aggregate(metric, values)
        estimate = None if special else mean_estimate(values)
        found[metric] = special or (estimate.value, estimate.stderr)
    return found


def as_harness_model(engine):
    """Our engine as a model of lm-eval, so that both get the very same likelihoods."""
    from lm_eval.api.model import LM

    class EngineModel(LM):
        def loglikelihood(self, requests, disable_tqdm=False):
            pairs = [LikelihoodRequest(*request.args) for request in requests]
            # one by one, as above: batches differ in the last bit
            found = [engine.likelihoods([pair])[0] for pair in pairs]
            return [(f.logprob, f.is_greedy) for f in found]

        def loglikelihood_rolling(self, requests, disable_tqdm=False):
            return [engine.rolling([RollingRequest(r.args[0])])[0].logprob for r in requests]

        def generate_until(self, requests, disable_tqdm=False):
            made = []
            for request in requests:
                stop = tuple(request.args[1]["until"])
                decoding = Decoding(max_tokens=12, stop=stop)
                made.append(engine.generate([GenerationRequest(request.args[0], decoding)])[0].text)
            return made

    return EngineModel()


@pytest.mark.parametrize("name", TASKS)
def test_prompts_metrics_and_errors_are_lm_evals(name, known, source, engine):
    from lm_eval.evaluator import evaluate

    options = TaskOptions(num_fewshot=3, limit=5, data=source)
    mine = scores_of(HarnessTask(name, load_from(known, name, source=source), options), engine)
    theirs = load_from(known, name, source=source)
    HarnessTask(name, theirs, options)  # applies lm-eval's rules for shots to their object too
    results = evaluate(
        as_harness_model(engine),
        {"tasks": {name: theirs}, "groups": {}, "group_map": {}},
        limit=5,
        bootstrap_iters=100_000 if name not in ("cb",) else 100,
    )
    wanted = results["results"][name]
    for metric, (value, error) in mine.items():
        kind, _, filter_name = metric.partition(",")
        if metric not in wanted:
            assert (name, kind) in (("triviaqa", "f1"), ("wikitext", "token_perplexity"))
            continue
        assert value == pytest.approx(wanted[metric], abs=EXACT, rel=EXACT)
        their_error = wanted[f"{kind}_stderr,{filter_name}"]
        if their_error == "N/A":
            # lm-eval gives corpus perplexities no error; ours is tested in test_statistics
            assert error is None or kind == "f1" or name == "wikitext"
        elif kind != "f1":
            assert error == pytest.approx(their_error, abs=EXACT)


def test_mmlu_is_a_tree_of_four_categories(known):
    found = tree(known, "mmlu")
    assert len(found.tasks) == 57
    categories = set(found.groups["mmlu"])
    assert categories == {"mmlu_stem", "mmlu_humanities", "mmlu_social_sciences", "mmlu_other"}


def test_a_groups_changes_to_its_members_are_kept(known, source):
    found = tree(known, "openllm")
    assert "openllm::arc_challenge" in found.tasks
    task = load_from(known, "openllm::arc_challenge", source=source)
    assert task.get_config("num_fewshot") == 25
    assert load_from(known, "arc_challenge", source=source).get_config("num_fewshot") is None


def test_a_multiple_choice_task_can_be_asked_for_a_letter(known, source):
    options = TaskOptions(num_fewshot=1, limit=2, data=source, protocol=AskProtocol.GENERATION)
    task = LetterTask("arc_challenge", load_from(known, "arc_challenge", source=source), options)
    sample = task.build()[0]
    stored = {"target": sample.target, "choices": list(sample.choices)}
    assert "A) " in sample.requests[0].context
    assert sample.requests[0].context.count("ANSWER: ") == 3
    right = task.score(0, stored, [Response(text=f"ANSWER: {sample.target[0]}")])
    assert right.metrics == {"acc,letter": 1.0}
    unsure = task.score(0, stored, [Response(text="I do not know")])
    assert unsure.metrics == {"acc,letter": 0.0}
    assert unsure.reasons == ("invalid",)


def test_letters_by_probability_are_a_protocol_of_their_own(known, source):
    options = TaskOptions(limit=1, data=source, protocol=AskProtocol.LETTERS)
    task = LetterTask("winogrande", load_from(known, "winogrande", source=source), options)
    sample = task.build()[0]
    assert sample.requests[0].kind is RequestKind.LETTERS
    stored = {"target": sample.target, "choices": list(sample.choices)}
    letters = {"A": -0.1, "B": -2.0, "X": -0.01}
    found = task.score(0, stored, [Response(letters=letters)])
    assert found.extracted == "A"


def test_passages_make_clusters(known, source):
    task = load_from(known, "boolq", source=source)
    samples = HarnessTask("boolq", task, TaskOptions(limit=6, data=source)).build()
    assert len({sample.cluster for sample in samples}) == 2


def test_a_share_as_limit_is_rounded_up(known, source):
    task = load_from(known, "hellaswag", source=source)
    samples = HarnessTask("hellaswag", task, TaskOptions(limit=0.3, data=source)).build()
    assert len(samples) == 3


def test_missing_data_are_named_with_the_way_to_get_them(known, tmp_path):
    empty = DataSource("local", tmp_path)
    with pytest.raises(TaskError, match=r"Rowan/hellaswag is not in .*hf download"):
        load_from(known, "hellaswag", source=empty)
    with pytest.raises(TaskError, match="--dataset-dir"):
        load_from(known, "hellaswag", source=DataSource("local"))


def test_without_network_the_hub_says_how_to_work_offline(known):
    with pytest.raises(TaskError, match="--dataset-hub Local"):
        load_from(known, "hellaswag", source=DataSource())


def test_modelscope_without_its_package_is_named(known):
    with pytest.raises(TaskError, match="pip install modelscope"):
        load_from(known, "hellaswag", source=DataSource("modelscope"))


def test_a_split_with_its_rows_missing_is_named(known, source, tmp_path):
    (tmp_path / "Rowan" / "hellaswag").mkdir(parents=True)
    with pytest.raises(TaskError, match="no split of data set"):
        load_from(known, "hellaswag", source=DataSource("local", tmp_path))


def test_the_loader_is_given_back_even_after_an_error(tmp_path):
    import datasets

    before = datasets.load_dataset
    with pytest.raises(RuntimeError), data_from(DataSource("local", tmp_path)):
        raise RuntimeError
    assert datasets.load_dataset is before


def test_the_catalogue_is_read_once_and_kept(tmp_path, known, monkeypatch):
    calls = []

    def read(folders):
        is_ours = folders == [DEFINITIONS]
        calls.append(is_ours)
        kept = [e for n, e in known.entries.items() if (n in ("axb", "axg")) is is_ours]
        return Catalogue({entry.name: entry for entry in kept[:20]})

    monkeypatch.setattr("benchmarks.harness.catalogue.read_catalogue", read)
    first = catalogue(tmp_path)
    catalogue.cache_clear()
    assert catalogue(tmp_path) == first
    assert calls == [True, False, True]
    # what this program brings is read from itself, so that an update of it shows at once
    assert "axb" in first.entries
    assert "axb" not in kept_file(tmp_path).read_text()
    catalogue.cache_clear()


def test_an_unknown_task_says_how_to_search(known, source):
    with pytest.raises(TaskError, match="--list-tasks"):
        load_from(known, "no_such_task", source=source)


@pytest.mark.slow
@pytest.mark.skipif("FULL_CATALOGUE" not in os.environ, reason="reads 14,000 files: half a minute")
def test_every_task_and_group_of_lm_eval_is_listed():
    found = catalogue(Path(os.environ["FULL_CATALOGUE"]))
    assert len(found.entries) > 14_000
    assert math.prod(len(tree(found, name).tasks) > 0 for name in ("mmlu", "bbh", "leaderboard"))


def test_token_perplexity_is_over_all_tokens_of_all_texts(known, source):
    task = HarnessTask(
        "wikitext", load_from(known, "wikitext", source=source), TaskOptions(data=source)
    )
    found = task.aggregate("token_perplexity,none", [[-4.0, 2], [-2.0, 4]])
    # residuals of 2 on either side of -1 nat a token, over 6 tokens: an error of 4 / 6
    assert found == (pytest.approx(math.exp(1.0)), pytest.approx(math.exp(1.0) * 4 / 6))


def test_gender_parity_is_the_share_of_whole_pairs_that_are_answered_alike():
    items = [(0, 1), (0, 1), (1, 0), (1, 1), (2, 1)]
    assert parity(items) == 0.5
    assert parity.error(items) == pytest.approx(0.5)
    assert math.isnan(parity([(0, 1)]))


def test_matthews_correlation_and_its_error_are_those_of_resampled_items():
    from sklearn.metrics import matthews_corrcoef

    items = [(i % 2, int(i % 7 < 3)) for i in range(60)] + [(1, 1)] * 15
    assert matthews(items) == pytest.approx(matthews_corrcoef(*zip(*items, strict=True)), abs=1e-12)
    rng = random.Random(5)
    drawn = [matthews(rng.choices(items, k=len(items))) for _ in range(2000)]
    # a standard error from 2,000 resamples has one of 1.6 % itself
    assert matthews.error(items) == pytest.approx(stdev(drawn), rel=0.07)
    assert matthews([(0, 0), (1, 0)]) == 0


def test_superglues_diagnostics_are_asked_as_rte_is_and_scored_by_their_own_metrics(known, source):
    for name, metric, wanted in (("axb", "mcc", 0.0), ("axg", "gender_parity", 1.0)):
        task = HarnessTask(name, load_from(known, name, source=source), TaskOptions())
        sample = task.build()[0]
        assert sample.requests[0].context.endswith(" True or False?\nAnswer:")
        assert [request.continuation for request in sample.requests] == [" True", " False"]
        stored = {"requests": [r.as_dict() for r in sample.requests], "choices": sample.choices}
        said = [Response(logprob=-1.0), Response(logprob=-2.0)]
        scores = [task.score(i, stored, said).metrics for i in range(len(task.documents))]
        assert scores[0]["acc,none"] == float(sample.target == 0)
        value, _ = task.aggregate(f"{metric},none", [s[f"{metric},none"] for s in scores])
        # one answer to everything: no correlation, and the same in every pair
        assert value == wanted


def test_splits_of_a_folder_may_have_different_columns(tmp_path):
    (tmp_path / "train.jsonl").write_text('{"q": "a", "tests": [], "label": "x"}\n')
    (tmp_path / "test.jsonl").write_text('{"q": "b", "tests": ["t"]}\n')
    with data_from(DataSource("local", tmp_path)):
        import datasets

        loaded = datasets.load_dataset(str(tmp_path))
    assert loaded["test"][0] == {"q": "b", "tests": ["t"]}
    assert loaded["train"][0]["label"] == "x"


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    import datasets

    (tmp_path / "test.jsonl").write_text('{"q": "b"}\n{"q": \n')
    with data_from(DataSource("local", tmp_path)):
        load = datasets.load_dataset
    with pytest.raises(TaskError, match=r"test\.jsonl"):
        load(str(tmp_path))
