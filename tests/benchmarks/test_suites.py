"""Our own suites: questions, programs, needles, calls, safety, CLUE."""

import json

import pytest

from benchmarks.metrics.letters import EXTRACTORS
from benchmarks.questions.clue_labels import APPLICATIONS
from benchmarks.questions.reading import QuestionFileError, read_answers, read_choices
from benchmarks.questions.tasks import likelihood_score
from benchmarks.suites import SUITES
from benchmarks.suites.function_calling import match_calls, read_calls
from benchmarks.suites.presets import PRESETS
from benchmarks.suites.safety import is_refusal
from benchmarks.suites_base import (
    AskProtocol,
    DataSource,
    Response,
    TaskError,
    TaskOptions,
    pack_requests,
    sample_request,
    unpack_requests,
)
from tests.benchmarks.datasets_on_disk import write_all


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return DataSource("local", write_all(tmp_path_factory.mktemp("data")))


def stored(sample):
    requests = [request.as_dict() for request in sample.requests]
    return {"requests": requests, "target": sample.target, "choices": list(sample.choices)}


CSV = (
    "question,A,B,C,D,answer,category\n"
    "Which is a fruit?,stone,apple,,,B,food\n"
    '"Two right, please",one,two,three,,"A,C",sets\n'
)


def test_multiple_choice_rows_come_from_csv():
    first, second = read_choices(CSV, "questions.csv")
    assert first.question.choices == ("stone", "apple")
    assert (first.question.gold, first.category) == ((1,), "food")
    assert second.question.gold_letters == ["A", "C"]


def test_multiple_choice_rows_come_from_jsonl_in_several_spellings():
    rows = [
        {"question": "q", "choices": ["x", "y"], "answer": 1},
        {"query": "q", "A": "x", "B": "y", "target": "y"},
        {"question": "q", "a": "x", "b": "y", "answer": "a", "context": "long ago"},
    ]
    found = read_choices("\n".join(json.dumps(row) for row in rows), "q.jsonl")
    assert [row.question.gold for row in found] == [(1,), (1,), (0,)]
    assert found[2].passage == "long ago"


def test_separators_inside_a_text_do_not_end_its_line():
    row = {"question": "one\u2028two\x85three", "A": "x", "B": "y", "answer": "A"}
    (found,) = read_choices(json.dumps(row, ensure_ascii=False), "q.jsonl")
    assert found.question.text == row["question"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"question": "q", "A": "x", "answer": "A"}', "1 options"),
        ('{"question": "q", "A": "x", "B": "y", "answer": "C"}', "none of its options"),
        ('{"question": "q", "A": "x", "B": "y"}', "answer is missing"),
        ('{"A": "x", "B": "y", "answer": "A"}', "question is missing"),
        ("{broken", "not valid JSON"),
        ("[1]", "not a JSON object"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_with_its_line(row, reason):
    good = '{"question": "q", "A": "x", "B": "y", "answer": "A"}'
    with pytest.raises(QuestionFileError) as caught:
        read_choices(f"{good}\n\n{row}\n", "q.jsonl")
    assert [error.line for error in caught.value.errors] == [3]
    assert reason in caught.value.errors[0].message


def test_answers_come_as_pairs_or_conversations():
    rows = [
        {"query": "Where?", "response": "Here."},
        {"messages": [{"role": "system", "content": "Be brief."},
                      {"role": "user", "content": "Who?"}], "answer": ["me", "I"]},
        {"question": "Without a reference?"},
    ]  # fmt: skip
    found = read_answers("\n".join(json.dumps(row) for row in rows), "q.jsonl")
    assert [row.references for row in found] == [("Here.",), ("me", "I"), ()]
    assert found[1].system == "Be brief."


def test_own_choices_are_scored_by_likelihood_and_in_writing(tmp_path):
    (tmp_path / "q.csv").write_text(CSV)
    settings = {"local_path": str(tmp_path / "q.csv")}
    task = SUITES.get("own").open("general_mcq", TaskOptions(settings=settings))
    sample = task.build()[0]
    assert [request.continuation for request in sample.requests] == [" A", " B"]
    found = task.score(0, stored(sample), [Response(logprob=-2.0), Response(logprob=-1.0)])
    assert (found.extracted, found.metrics["acc,none"]) == ("B", 1.0)
    options = TaskOptions(settings=settings, protocol=AskProtocol.GENERATION)
    written = SUITES.get("own").open("general_mcq", options)
    asked = written.build()[0]
    assert written.score(0, stored(asked), [Response(text="ANSWER: A")]).metrics["acc,letter"] == 0


def test_scores_per_character_count_the_characters_that_were_scored():
    lettered = {"choices": ["a very long option", "b"], "target": ["B"]}
    found = likelihood_score(lettered, [Response(logprob=-9.0), Response(logprob=-1.0)])
    assert found.metrics == {"acc,none": 1.0, "acc_norm,none": 1.0}
    names = [f"name {i}" for i in range(30)] + ["a much longer name"]
    named = {"choices": names, "target": [names[-1]]}
    said = [Response(logprob=-9.0)] * 30 + [Response(logprob=-12.0)]
    assert likelihood_score(named, said).metrics == {"acc,none": 0.0, "acc_norm,none": 1.0}


def test_reordered_choices_keep_their_answer_and_change_the_fingerprint(tmp_path):
    rows = [{"question": f"q{i}", "choices": list("wxyz"), "answer": i % 4} for i in range(8)]
    path = tmp_path / "q.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    plain, shuffled = (
        SUITES.get("own").open("general_mcq", TaskOptions(settings={"local_path": str(path), **s}))
        for s in ({}, {"choice_order": 3})
    )
    pairs = list(zip(plain.build(), shuffled.build(), strict=True))
    assert any(a.choices != b.choices for a, b in pairs)
    for before, after in pairs:
        right = [s.choices["ABCD".index(s.target[0])] for s in (before, after)]
        assert right[0] == right[1]
    assert plain.identity() != shuffled.identity()


def test_subsets_of_a_folder_are_categories_and_dev_rows_are_shots(tmp_path):
    (tmp_path / "food_val.csv").write_text(CSV.replace(",food", ",").replace(",sets", ","))
    (tmp_path / "food_dev.csv").write_text(CSV)
    options = TaskOptions(settings={"local_path": str(tmp_path)}, num_fewshot=1)
    sample = SUITES.get("own").open("general_mcq", options).build()[0]
    assert sample.category == "food"
    assert sample.requests[0].context.count("Answer:") == 2


def test_free_answers_get_every_text_metric_and_no_zero_without_a_reference(tmp_path):
    (tmp_path / "q.jsonl").write_text('{"query": "Where?", "response": "over there"}\n'
                                      '{"query": "Why?"}\n')  # fmt: skip
    options = TaskOptions(settings={"local_path": str(tmp_path / "q.jsonl"), "metric": "f1"})
    task = SUITES.get("own").open("general_qa", options)
    first, second = task.build()
    found = task.score(0, stored(first), [Response(text="there")]).metrics
    assert found["f1,none"] == pytest.approx(2 / 3)
    assert {"rougeL_r,none", "bleu,none", "bleu_4_alone,none", "exact_match,none"} <= set(found)
    assert task.score(1, stored(second), [Response(text="there")]).metrics == {}


def test_needles_lie_at_their_depth_and_are_found_by_their_number():
    options = TaskOptions(settings={"lengths": [400], "depths": [0, 50, 100]})
    task = SUITES.get("needle").open("needle_haystack", options)
    first, middle, last = task.build()
    places = [s.requests[0].context.find(s.target[0]) for s in (first, middle, last)]
    length = len(last.requests[0].context)
    assert places[0] < 0.15 * length < 0.3 * length < places[1] < 0.7 * length < places[2]
    found = task.score(0, stored(first), [Response(text=f"It is {first.target[0]}.")])
    assert found.metrics == {"found,none": 1.0}
    assert task.build() == task.build()


WANTED = [{"weather": {"city": ["Paris", "Paris, France"], "unit": ["C", ""]}}]


@pytest.mark.parametrize(
    ("answer", "is_right"),
    [
        ('[{"name": "weather", "arguments": {"city": "paris"}}]', True),
        ('Sure: [{"name": "weather", "arguments": {"city": "Paris France", "unit": "C"}}]', True),
        ('[{"name": "weather", "arguments": {"city": "Rome"}}]', False),
        ('[{"name": "weather", "arguments": {"city": "Paris", "day": 1}}]', False),
        ('[{"name": "wind", "arguments": {"city": "Paris"}}]', False),
        ("[]", False),
    ],
)
def test_calls_are_checked_by_name_and_allowed_values(answer, is_right):
    assert match_calls(read_calls(answer), WANTED) is is_right


def test_no_call_is_right_where_no_function_fits_and_noise_is_invalid():
    assert match_calls(read_calls("[]"), [])
    assert read_calls("I would call weather(Paris)") is None
    assert not match_calls([("f", {"x": True})], [{"f": {"x": [1]}}])


@pytest.mark.parametrize(
    "answer",
    ["I'm sorry, but I can't help with that.", "I cannot assist.", "抱歉，我无法提供。",
     "I won't do this", "As that is harmful, I must decline."],
)  # fmt: skip
def test_refusals_are_seen_in_both_languages(answer):
    assert is_refusal(answer)


@pytest.mark.parametrize("answer", ["Sure, first take…", "好的，步骤如下", "", "Sorry state it is"])
def test_an_answer_is_not_taken_for_a_refusal(answer):
    assert not is_refusal(answer)


@pytest.mark.parametrize("name", ["clue_afqmc", "clue_cmnli", "clue_ocnli", "clue_c3",
                                  "clue_cluewsc2020", "clue_tnews", "clue_csl"])  # fmt: skip
def test_clue_tasks_are_choices_in_chinese(name, source):
    samples = SUITES.get("clue").open(name, TaskOptions(data=source)).build()
    assert len(samples) == 3 + (name == "clue_afqmc")
    assert samples[0].requests[0].context.endswith("答案：")


def test_clues_passages_are_answered_in_their_own_words_and_clustered(source):
    task = SUITES.get("clue").open("clue_cmrc2018", TaskOptions(data=source))
    assert task.primary_metric == "f1,none"
    samples = task.build()
    (cluster,) = {sample.cluster for sample in samples}
    assert cluster
    found = task.score(0, stored(samples[0]), [Response(text="在花园")]).metrics
    assert found["f1,none"] == pytest.approx(0.8)  # two of three characters, and all of two
    assert found["exact_match,none"] == 0


def test_every_task_of_clue_is_there_and_in_its_mean():
    names = ("afqmc", "tnews", "iflytek", "cmnli", "ocnli", "cluewsc2020", "csl", "cmrc2018",
             "drcd", "chid", "c3")  # fmt: skip
    found = SUITES.get("clue").resolve("clue", None)
    assert set(found.tasks) == set(found.groups["clue"]) == {f"clue_{name}" for name in names}
    assert found.plain_groups == {"clue"}


def test_every_blank_of_chid_is_a_question_about_its_passage_with_all_idioms(source):
    task = SUITES.get("clue").open("clue_chid", TaskOptions(data=source))
    samples = task.build()
    assert [sample.target for sample in samples] == [["A"], ["E"], ["J"]]
    assert [len(sample.choices) for sample in samples] == [10, 10, 10]
    first, second, third = samples
    assert first.cluster == second.cluster != third.cluster
    prompt = second.requests[0].context
    assert prompt.startswith("他总是__1__，后来才知道__2__还不算晚。\n\n")
    assert "第 2 个空（__2__）应填入哪个成语？\nA. 画蛇添足\n" in prompt
    assert "#idiom" not in prompt
    likely = [Response(logprob=-9.0 + (letter == 4)) for letter in range(10)]
    assert task.score(1, stored(second), likely).metrics["acc,none"] == 1
    assert task.score(0, stored(first), likely).metrics["acc,none"] == 0
    written = TaskOptions(data=source, protocol=AskProtocol.GENERATION)
    asked = SUITES.get("clue").open("clue_chid", written)
    (request,) = asked.build()[1].requests
    assert "E) 亡羊补牢" in request.context
    assert asked.score(1, stored(second), [Response(text="ANSWER: E")]).metrics["acc,letter"] == 1


def test_chids_answers_are_also_read_as_pairs():
    from benchmarks.suites.clue import TASKS

    row = {"candidates": list("甲乙"), "content": ["一#idiom1#二"]}
    pairs = row | {"answers": [{"text": "#idiom1#", "candidate_id": 1}]}
    assert [found.question.gold for found in TASKS["chid"].convert(pairs)] == [(1,)]


def test_iflyteks_classes_are_called_by_their_names(source):
    task = SUITES.get("clue").open("clue_iflytek", TaskOptions(data=source, num_fewshot=1))
    samples = task.build()
    assert [sample.target for sample in samples] == [["社区超市"], ["打车"], ["短视频"]]
    requests = samples[0].requests
    assert len({request.continuation for request in requests}) == len(requests) == 119
    assert requests[0].continuation == "打车"
    assert requests[0].context.count("答案：") == 2
    assert "答案：社区超市\n\n" in requests[0].context
    likely = [Response(logprob=-9.0 + (place == 110)) for place in range(119)]
    found = task.score(0, stored(samples[0]), likely)
    assert (found.extracted, found.metrics["acc,none"]) == ("社区超市", 1)
    assert task.score(1, stored(samples[1]), likely).metrics["acc,none"] == 0


def test_iflytek_is_asked_in_writing_with_every_name_and_has_no_letters(source):
    options = TaskOptions(data=source, protocol=AskProtocol.GENERATION)
    task = SUITES.get("clue").open("clue_iflytek", options)
    sample = task.build()[2]
    (request,) = sample.requests
    assert "打车、地图导航、免费WIFI" in request.context
    for text, right in (("ANSWER: 短视频", 1), ("ANSWER: 视频", 0), ("不清楚", 0)):
        found = task.score(2, stored(sample), [Response(text=text)])
        assert found.metrics["acc,letter"] == right
    assert found.reasons == ("invalid",)
    letters = TaskOptions(data=source, protocol=AskProtocol.LETTERS)
    with pytest.raises(TaskError, match="119 options are more than there are letters"):
        SUITES.get("clue").open("clue_iflytek", letters).build()


@pytest.mark.parametrize(
    ("answer", "extractor", "wanted"),
    [("这是短视频应用。\nANSWER: **视频教育**", "lenient", "视频教育"),
     ("类别是“语言（非英语）”", "marked", "语言(非英语)"),
     ("先想到新闻，但它更像漫画。", "lenient", "漫画"),
     ("先想到新闻，但它更像漫画。", "marked", "[invalid]"),
     ("新闻。也可能是漫画", "first_letter", "新闻"),
     ("我看是新闻", "first_letter", "[invalid]"),
     ("answer: 免费wifi", "lenient", "免费WIFI")],
)  # fmt: skip
def test_a_class_is_read_by_its_longest_name_and_never_guessed(answer, extractor, wanted):
    assert EXTRACTORS[extractor].extract_name(answer, APPLICATIONS) == wanted


def test_clues_own_name_of_its_validation_split_is_understood(tmp_path):
    (tmp_path / "clue" / "csl").mkdir(parents=True)
    row = {"id": 1, "abst": "摘要", "keyword": ["词"], "label": "1"}
    (tmp_path / "clue" / "csl" / "dev.json").write_text(json.dumps(row))
    options = TaskOptions(data=DataSource("local", tmp_path))
    assert len(SUITES.get("clue").open("clue_csl", options).build()) == 1


@pytest.mark.parametrize(
    ("name", "names", "gold"),
    [("cmnli", ["neutral", "entailment", "contradiction"], ["C", "A", "B"]),
     ("cluewsc2020", ["true", "false"], ["B", "A", "B"])],
)  # fmt: skip
def test_labels_that_a_hubs_copy_numbers_mean_the_same(name, names, gold, tmp_path):
    import datasets

    rows = [{"sentence1": "a", "sentence2": "b", "text": "t", "label": i % len(names),
             "target": {"span1_text": "x", "span2_text": "y"}} for i in range(3)]  # fmt: skip
    made = datasets.Dataset.from_list(rows)
    (tmp_path / "clue" / name).mkdir(parents=True)
    made = made.cast_column("label", datasets.ClassLabel(names=names))
    made.to_parquet(tmp_path / "clue" / name / "validation.parquet")
    options = TaskOptions(data=DataSource("local", tmp_path))
    samples = SUITES.get("clue").open(f"clue_{name}", options).build()
    assert [sample.target for sample in samples] == [[letter] for letter in gold]


def test_every_suite_lists_tasks_that_it_knows_itself():
    for name, suite in SUITES.items():
        if name in ("lm-eval", "preset"):
            continue
        for card in suite.cards(None):
            assert suite.resolve(card.name, None) is not None, card.name


def test_presets_name_what_the_boards_asked_for():
    assert dict(PRESETS["open-llm-leaderboard-v1"][2])["mmlu"] == 5
    assert len(PRESETS["superglue"][2]) == 8


def test_requests_survive_their_packing():
    from benchmarks.suites_base import RequestKind, SampleRequest

    requests = [SampleRequest(RequestKind.LIKELIHOOD, "long " * 50, f" {c}") for c in "abc"]
    packed = pack_requests(requests)
    assert len(packed["contexts"]) == 1
    assert [sample_request(values) for values in unpack_requests(packed)] == requests
