"""Our own bundle: it comes back as it went, and says so when it does not."""

import io
import json
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.dialects.agon_bundle import AgonBundle
from arena.dialects.fields import BadRow
from arena.dialects.files.bundle_rows import MANIFEST, read_bundle, write_bundle
from arena.dialects.records import (
    RECORD_KINDS,
    AnswerRecord,
    BattleRecord,
    ImagePart,
    JudgmentRecord,
    LanguageModelRecord,
    QuestionRecord,
    TextPart,
    VoteRecord,
)

# what a database can hold: no NUL, no half surrogates
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
names = st.text("abcdefgh-.", min_size=1, max_size=12)
floats = st.floats(allow_nan=False, allow_infinity=False, width=64)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | floats | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
metadata = st.dictionaries(text, json_values, max_size=3)
parts = st.builds(TextPart, text) | st.builds(ImagePart, st.just("https://example.org/a.png"))
turns = st.lists(st.lists(parts, min_size=1, max_size=2).map(tuple), max_size=2).map(tuple)
tstamps = st.none() | st.floats(0, 4e9)
questions = st.builds(
    QuestionRecord,
    external_id=names,
    turns=turns,
    references=st.lists(text, max_size=2).map(tuple),
    tags=st.lists(text, max_size=2).map(tuple),
    metadata=metadata,
)
answers = st.builds(
    AnswerRecord,
    model=names,
    question=questions,
    turns=st.lists(text, max_size=2).map(tuple),
    sample_index=st.none() | st.integers(0, 5),
    settings=metadata,
    output_tokens=st.none() | st.integers(0, 10_000),
    latency_s=st.none() | st.floats(0, 100),
    tstamp=tstamps,
)
votes = st.builds(
    VoteRecord,
    outcome=st.sampled_from(["model_a", "model_b", "tie", "both_bad"]),
    voter=text,
    shown_first=st.sampled_from(["", "a", "b"]),
    draw_probability=st.none() | st.floats(0.01, 1),
    reasons=st.lists(text, max_size=2).map(tuple),
    tstamp=tstamps,
)
battles = st.builds(
    BattleRecord,
    model_a=names,
    model_b=names,
    question=st.none() | questions,
    answer_a=st.none() | answers,
    answer_b=st.none() | answers,
    votes=st.lists(votes, max_size=2).map(tuple),
    origin=st.sampled_from(["stored", "live", "imported"]),
    metadata=metadata,
)
judgments = st.builds(
    JudgmentRecord,
    judge=names,
    mode=st.sampled_from(["single", "pairwise"]),
    question=questions,
    model_a=names,
    battle=st.none() | battles,
    game=st.sampled_from([1, 2]),
    outcome=st.sampled_from(["", "model_a", "tie"]),
    score=st.none() | floats,
    preference=st.none() | st.floats(1, 2),
    is_readable=st.booleans(),
    raw_text=text,
    prompt=st.lists(json_values, max_size=2),
)
records = st.lists(
    questions | answers | battles | judgments | st.builds(LanguageModelRecord, name=names),
    max_size=6,
)
KIND_ORDER = list(RECORD_KINDS.values())


def pack(some_records):
    stream = io.BytesIO()
    write_bundle(stream, AgonBundle().write_records(some_records), software="test")
    return stream.getvalue()


def unpack(content):
    return list(AgonBundle().read(read_bundle(io.BytesIO(content), "bundle.zip")))


@settings(max_examples=60)
@given(records)
def test_any_records_come_back_unchanged(some_records):
    some_records.sort(key=lambda record: KIND_ORDER.index(type(record)))
    assert unpack(pack(some_records)) == some_records


def test_the_same_records_make_the_same_bytes():
    some_records = [QuestionRecord("q1", ((TextPart("Hi"),),))]
    assert pack(some_records) == pack(some_records)


def rewrite(content, change):
    """The bundle with its parts passed through ``change(name, bytes)``; None drops a part."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            changed = change(name, old.read(name))
            if changed is not None:
                new.writestr(name, changed)
    return stream.getvalue()


BUNDLE = pack(
    [QuestionRecord("q1", ((TextPart("Hi"),),)), AnswerRecord("m", QuestionRecord("q1"), ("x",))]
)


def with_manifest(**changes):
    def change(name, content):
        if name != MANIFEST:
            return content
        return json.dumps(json.loads(content) | changes).encode()

    return rewrite(BUNDLE, change)


def only_bad(content):
    (bad,) = [item for item in unpack(content) if isinstance(item, BadRow)]
    return bad


def test_a_part_that_was_altered_is_noticed():
    altered = rewrite(BUNDLE, lambda _, content: content.replace(b'"Hi"', b'"Ho"'))
    bad = only_bad(altered)
    assert (bad.field, bad.place.file) == ("sha256", "bundle.zip/question.jsonl")


def test_a_part_that_is_missing_is_noticed():
    bad = only_bad(rewrite(BUNDLE, lambda name, c: None if name == "answer.jsonl" else c))
    assert "missing from the archive" in bad.remedy


def test_a_bundle_of_a_later_version_is_refused():
    assert "update it" in only_bad(with_manifest(version=99)).remedy


def test_a_zip_that_is_no_bundle_is_refused():
    bad = only_bad(rewrite(BUNDLE, lambda name, c: None if name == MANIFEST else c))
    assert "manifest.json" in bad.remedy


def test_a_bundle_that_was_cut_off_is_refused():
    assert "damaged or cut off" in only_bad(BUNDLE[: len(BUNDLE) // 2]).remedy


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"record": "question", "external_id": "q", "turns": [[{"text": 3}]]}, "turns.0.0"),
        ({"record": "answer", "model": "m", "turns": ["x"]}, "question"),
        ({"record": "battle", "model_a": "m", "model_b": "n", "origin": "moon"}, "origin"),
        ({"record": "language_model", "name": "m", "parameters_b": "big"}, "parameters_b"),
    ],
)
def test_a_bad_record_names_its_field(row, field):
    stream = io.BytesIO()
    write_bundle(stream, iter([row]), software="test")
    bad = only_bad(stream.getvalue())
    assert bad.field.startswith(field)
    assert bad.place.line == 1
