"""What every format promises, whichever it is."""

from pathlib import Path

import pytest
from django.conf import settings

from arena.dialects import DIALECTS
from arena.dialects.dialect import Sample, UnrecognisedFormatError, recognise, writable_formats
from arena.dialects.fields import BadRow, Row
from arena.dialects.records import NOWHERE, Place
from tests.arena.dialects.samples import PATHS, SAMPLES


def rows(values):
    return [Row(value, Place("file", line)) for line, value in enumerate(values, start=1)]


def read(name, values):
    return list(DIALECTS.get(name)().read(rows(values)))


def sample_of(name, container="jsonl"):
    return Sample(PATHS.get(name, "file.jsonl"), container, tuple(SAMPLES[name]))


def test_every_format_has_a_sample():
    assert sorted(SAMPLES) == DIALECTS.names()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_is_recognised_by_its_content(name):
    assert recognise(sample_of(name)).name == name


@pytest.mark.parametrize("name", SAMPLES)
def test_only_one_format_is_sure_of_a_file(name):
    sample = sample_of(name)
    surest = max(dialect().detect(sample) for _, dialect in DIALECTS.items())
    assert [n for n, d in DIALECTS.items() if d().detect(sample) == surest] == [name]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_well_formed_file_has_no_bad_rows(name):
    assert not [item for item in read(name, SAMPLES[name]) if isinstance(item, BadRow)]


@pytest.mark.parametrize("name", SAMPLES)
def test_records_know_the_line_they_come_from(name):
    lines = {record.place.line for record in read(name, SAMPLES[name])}
    assert lines <= set(range(1, len(SAMPLES[name]) + 1))
    assert NOWHERE.line not in lines


@pytest.mark.parametrize("name", writable_formats())
def test_what_a_format_writes_it_reads_back_unchanged(name):
    records = read(name, SAMPLES[name])
    written = list(DIALECTS.get(name)().write_records(records))
    assert read(name, written) == records


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("value", [None, 3, "text", [], {}], ids=repr)
def test_a_row_that_is_nothing_of_the_kind_is_bad_and_not_a_crash(name, value):
    items = read(name, [value])
    assert [type(item) for item in items] == [BadRow]


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("value", [float("nan"), {"x": []}, [[1]], True, -3], ids=repr)
def test_a_field_of_the_wrong_type_never_raises(name, value):
    for row in SAMPLES[name]:
        for key in row:
            assert read(name, [{**row, key: value}]) is not None


@pytest.mark.parametrize("name", sorted(set(SAMPLES) - set(writable_formats())))
def test_a_format_that_cannot_be_written_says_so(name):
    with pytest.raises(TypeError, match=f"{name} can be read but not written"):
        DIALECTS.get(name)().write_records([])


def test_an_unknown_file_lists_its_fields_and_the_formats():
    sample = Sample("odd.jsonl", "jsonl", ({"colour": "red"},))
    with pytest.raises(UnrecognisedFormatError, match=r"odd\.jsonl.*colour.*--format.*mt_bench"):
        recognise(sample)


def test_every_format_is_documented():
    page = (Path(settings.BASE_DIR) / "docs" / "file-formats.md").read_text(encoding="utf-8")
    assert [name for name in DIALECTS if f"`{name}`" not in page] == []
