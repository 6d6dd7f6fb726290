"""Small data sets in the original schemas, written for the tests; nothing is copied."""

import json
import random

from tests.benchmarks.programs_on_disk import (
    humaneval_rows,
    mbpp_examples,
    mbpp_rows,
    sanitized_rows,
)

# where lm-eval defines the tasks that these data serve; reading all its folders takes long
FOLDERS = (
    "arc", "hellaswag", "winogrande", "truthfulqa", "gsm8k", "ceval", "cmmlu", "hendrycks_math",
    "bbh/cot_fewshot", "race", "triviaqa", "super_glue", "wikitext",
    "benchmarks", "mmlu/default",
)  # fmt: skip
SUBJECTS = {
    "cais/mmlu": ("anatomy", "astronomy", "philosophy"),
    "ceval/ceval-exam": ("law", "logic"),
    "haonan-li/cmmlu": ("anatomy", "arts"),
    "SaylorTwift/bbh": ("boolean_expressions",),
}
NOUNS = ("river", "city", "garden", "window", "dog", "fox", "kitchen", "number", "letter", "sea")


class Writer:
    def __init__(self, folder):
        self.folder = folder
        self.rng = random.Random(11)

    def split(self, path, config, split, rows):
        place = self.folder / path / config if config else self.folder / path
        place.mkdir(parents=True, exist_ok=True)
        lines = (json.dumps(row, ensure_ascii=False) for row in rows)
        (place / f"{split}.jsonl").write_text("\n".join(lines) + "\n")

    def words(self, count):
        return " ".join(self.rng.choice(NOUNS) for _ in range(count))

    def pick(self, count):
        return self.rng.randrange(count)


def write_all(folder, subjects=SUBJECTS):
    """Every data set that a preset needs, a handful of rows each."""
    writer = Writer(folder)
    for write in (_mmlu, _ceval, _cmmlu, _bbh):
        write(writer, subjects)
    for write in (_gsm8k, _arc, _hellaswag, _truthfulqa, _winogrande, _math, _race, _triviaqa,
                  _super_glue, _wikitext, _programs, _clue):  # fmt: skip
        write(writer)
    return folder


def _mmlu(w, subjects):
    for subject in subjects["cais/mmlu"]:
        for split, count in (("dev", 5), ("test", 6)):
            rows = [
                {"question": f" Which {w.words(5)}? ", "subject": subject, "answer": w.pick(4),
                 "choices": [w.words(2) for _ in range(4)]}
                for _ in range(count)
            ]  # fmt: skip
            w.split("cais/mmlu", subject, split, rows)


def _ceval(w, subjects):
    for subject in subjects["ceval/ceval-exam"]:
        for split in ("val", "dev"):
            rows = [
                {"id": i, "question": f"下面哪一个是{w.words(2)}？", "answer": "ABCD"[w.pick(4)],
                 "explanation": "", **{letter: w.words(1) + "城市" for letter in "ABCD"}}
                for i in range(5)
            ]  # fmt: skip
            w.split("ceval/ceval-exam", subject, split, rows)


def _cmmlu(w, subjects):
    for subject in subjects["haonan-li/cmmlu"]:
        for split in ("test", "dev"):
            rows = [
                {"Question": f"{w.words(3)}是什么？", "Answer": "ABCD"[w.pick(4)],
                 **{letter: w.words(1) + "数学" for letter in "ABCD"}}
                for _ in range(5)
            ]  # fmt: skip
            w.split("haonan-li/cmmlu", subject, split, rows)


def _gsm8k(w):
    for split in ("train", "test"):
        rows = [
            {"question": f"A {w.words(4)} costs {n}. Two cost?",
             "answer": f"Two cost 2*{n}=<<2*{n}={2 * n}>>{2 * n}.\n#### {2 * n}"}
            for n in range(3, 11)
        ]  # fmt: skip
        w.split("openai/gsm8k", "main", split, rows)


def _arc(w):
    for config in ("ARC-Challenge", "ARC-Easy"):
        for split, count in (("train", 30), ("test", 6), ("validation", 4)):
            rows = []
            for i in range(count):
                labels = list("ABCD" if i % 3 else "1234")
                choices = {"text": [w.words(1 + i % 3) for _ in labels], "label": labels}
                rows.append({"id": str(i), "question": f"Why {w.words(6)}?", "choices": choices,
                             "answerKey": labels[w.pick(4)]})  # fmt: skip
            w.split("allenai/ai2_arc", config, split, rows)


def _hellaswag(w):
    for split, count in (("train", 30), ("validation", 8)):
        rows = [
            {"activity_label": "Washing [title] up", "ctx_a": f"A {w.words(5)}.",
             "ctx_b": f"the {w.words(2)}", "ctx": "unused", "label": str(w.pick(4)),
             "endings": [f"{w.words(4)} [step] {w.words(2)}." for _ in range(4)], "ind": i}
            for i in range(count)
        ]  # fmt: skip
        w.split("Rowan/hellaswag", "", split, rows)


def _truthfulqa(w):
    rows = []
    for _ in range(6):
        first = {"choices": [w.words(3) for _ in range(4)], "labels": [1, 0, 0, 0]}
        second = {"choices": [w.words(3) for _ in range(5)], "labels": [1, 1, 0, 0, 0]}
        rows.append({"question": f"Is a {w.words(3)}?", "mc1_targets": first,
                     "mc2_targets": second})  # fmt: skip
    w.split("truthfulqa/truthful_qa", "multiple_choice", "validation", rows)


def _winogrande(w):
    for split, count in (("train", 20), ("validation", 8)):
        rows = [
            {"sentence": f"The {w.words(2)} met the {w.words(1)} because _ was {w.words(2)}.",
             "option1": w.words(1), "option2": w.words(1), "answer": "12"[w.pick(2)]}
            for _ in range(count)
        ]  # fmt: skip
        w.split("allenai/winogrande", "winogrande_xl", split, rows)


MATH = ("algebra", "counting_and_probability", "geometry", "intermediate_algebra",
        "number_theory", "prealgebra", "precalculus")  # fmt: skip


def _math(w):
    for config in MATH:
        for split in ("train", "test"):
            rows = [
                {"problem": f"Add $ {n} $ and $1$ {w.words(2)}.", "level": f"Level {1 + n % 5}",
                 "type": config.title(), "solution": f"It is $\\boxed{{{n + 1}}}$."}
                for n in range(5)
            ]  # fmt: skip
            w.split("EleutherAI/hendrycks_math", config, split, rows)


def _bbh(w, subjects):
    for config in subjects["SaylorTwift/bbh"]:
        rows = [{"input": f"not ( {w.words(2)} ) is", "target": "TF"[n % 2]} for n in range(5)]
        w.split("SaylorTwift/bbh", config, "test", rows)


def _race(w):
    rows = []
    for _ in range(4):
        problems = [
            {"question": f"What is {w.words(3)}?", "answer": "ABCD"[w.pick(4)],
             "options": [w.words(2) for _ in range(4)]}
            for _ in range(3)
        ]  # fmt: skip
        rows.append({"article": w.words(30), "problems": repr(problems)})
    w.split("EleutherAI/race", "high", "test", rows)


def _triviaqa(w):
    for split, count in (("train", 8), ("validation", 6)):
        rows = [
            {"question": f"Where is the {w.words(3)}", "question_id": str(i),
             "answer": {"aliases": [w.words(1), w.words(2)], "value": w.words(1)}}
            for i in range(count)
        ]  # fmt: skip
        w.split("mandarjoshi/trivia_qa", "rc.nocontext", split, rows)


def _super_glue(w):
    for split, count in (("train", 6), ("validation", 6)):
        passages = [w.words(25) for _ in range(2)]
        w.split("aps/super_glue", "boolq", split, [
            {"passage": passages[i % 2], "question": f"is the {w.words(3)}", "label": w.pick(2)}
            for i in range(count)
        ])  # fmt: skip
        w.split("aps/super_glue", "cb", split, [
            {"premise": w.words(8), "hypothesis": w.words(3), "label": i % 3}
            for i in range(count)
        ])  # fmt: skip
        _small_super_glue(w, split, count)


def _small_super_glue(w, split, count):
    """The six others, each in its own fields."""

    def rows(**fields):
        return [{name: make(i) for name, make in fields.items()} for i in range(count)]

    def sentence(_):
        return f"{w.words(4)}."

    def label(_):
        return w.pick(2)

    made = {
        "copa": rows(premise=sentence, choice1=sentence, choice2=sentence, label=label,
                     question=lambda i: ("cause", "effect")[i % 2]),
        "multirc": rows(paragraph=lambda i: f"Passage {i // 3}. {NOUNS[i // 3] * 9}",
                        question=sentence, answer=sentence, label=label),
        "record": rows(passage=lambda _: f"{w.words(9)}\n@highlight\n{w.words(4)}",
                       query=lambda _: f"The @placeholder is {w.words(2)}",
                       entities=lambda _: list(NOUNS[:3]), answers=lambda i: [NOUNS[i % 3]]),
        "rte": rows(premise=sentence, hypothesis=sentence, label=label),
        "wic": rows(sentence1=lambda _: f"dog {w.words(3)}", label=label, start1=lambda _: 0,
                    sentence2=lambda _: f"dog {w.words(2)}", end1=lambda _: 3),
        "wsc.fixed": rows(text=lambda _: f"The dog saw it {w.words(3)}", label=label,
                          span1_text=lambda _: "dog", span1_index=lambda _: 1,
                          span2_text=lambda _: "it", span2_index=lambda _: 3),
    }  # fmt: skip
    for config, found in made.items():
        w.split("aps/super_glue", config, split, found)
    for config, names in (("axb", ("sentence1", "sentence2")), ("axg", ("premise", "hypothesis"))):
        fields = dict.fromkeys(names, sentence)
        w.split("aps/super_glue", config, "test", rows(idx=lambda i: i, label=label, **fields))


def _wikitext(w):
    rows = [{"page": f" = {w.words(2)} = \n {w.words(80)} @-@ {w.words(3)} . \n"} for _ in range(3)]
    for split in ("train", "validation", "test"):
        w.split("EleutherAI/wikitext_document_level", "wikitext-2-raw-v1", split, rows)


def _programs(w):
    w.split("openai/openai_humaneval", "openai_humaneval", "test", humaneval_rows())
    w.split("google-research-datasets/mbpp", "full", "test", mbpp_rows())
    w.split("google-research-datasets/mbpp", "full", "prompt", mbpp_examples())
    w.split("google-research-datasets/mbpp", "sanitized", "test", sanitized_rows())
    shown = [{**row, "prompt": row["text"], "test_imports": []} for row in mbpp_examples()]
    for row in shown:
        for name in ("text", "test_setup_code", "challenge_test_list"):
            del row[name]
    w.split("google-research-datasets/mbpp", "sanitized", "prompt", shown)


def _iflytek(w):
    for split in ("train", "validation"):
        w.split("clue", "iflytek", split, [
            {"sentence": f"应用{i}：{'可以用来学习和旅行。' * 60}", "label": label, "idx": i}
            for i, label in enumerate(("110", "0", "47"))
        ])  # fmt: skip


IDIOMS = ["画蛇添足", "守株待兔", "井底之蛙", "对牛弹琴", "亡羊补牢", "狐假虎威", "掩耳盗铃",
          "刻舟求剑", "杯弓蛇影", "望梅止渴"]  # fmt: skip


def _chid(w):
    """Two passages with three blanks share ten idioms; a fourth blank has no answer (test data)."""
    w.split("clue", "chid", "validation", [
        {"idx": 0, "candidates": IDIOMS,
         "content": ["他总是#idiom000001#，后来才知道#idiom000002#还不算晚。",
                     "这个办法不过是#idiom000003#。#idiom000004#"],
         "answers": {"text": [f"#idiom00000{i}#" for i in range(1, 5)],
                     "candidate_id": [0, 4, 9, -1]}}
    ])  # fmt: skip


def _clue(w):
    pairs = [{"sentence1": w.words(3), "sentence2": w.words(3), "idx": i} for i in range(4)]
    inference = ("entailment", "neutral", "contradiction", "-")
    w.split("clue", "afqmc", "validation", [p | {"label": str(i % 2)} for i, p in enumerate(pairs)])
    for name in ("cmnli", "ocnli"):
        w.split("clue", name, "validation",
                [p | {"label": inference[i]} for i, p in enumerate(pairs)])  # fmt: skip
    w.split("clue", "c3", "validation", [
        {"id": i, "context": [], "article": [w.words(20)], "question": "哪个对？",
         "choice": ["甲", "乙", "丙"], "answer": "乙"}
        for i in range(3)
    ])  # fmt: skip
    w.split("clue", "cluewsc2020", "validation", [
        {"text": w.words(9), "label": "true",
         "target": {"span1_text": "狗", "span2_text": "它", "span1_index": 0, "span2_index": 4}}
        for _ in range(3)
    ])  # fmt: skip
    w.split("clue", "tnews", "validation", [
        {"sentence": w.words(4), "label": ("102", "116", "100")[i], "idx": i} for i in range(3)
    ])  # fmt: skip
    w.split("clue", "csl", "validation", [
        {"abst": w.words(12), "keyword": ["河流", "城市"], "label": str(i % 2)} for i in range(3)
    ])  # fmt: skip
    _iflytek(w)
    _chid(w)
    for name in ("cmrc2018", "drcd"):
        w.split("clue", name, "validation", [
            {"id": str(i), "context": "狗在花园里。", "question": f"问{i}：狗在哪里？",
             "answers": {"text": ["花园", "花园里"], "answer_start": [2, 2]}}
            for i in range(3)
        ])  # fmt: skip
