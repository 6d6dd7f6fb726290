"""Files of every container, whole and broken."""

import csv
import gzip
import json
import pickle
import tracemalloc

import pytest

from arena.dialects.fields import BadRow, Row
from arena.dialects.files import json_rows
from arena.dialects.files.source import Source, UnreadableFileError


@pytest.fixture
def read(tmp_path):
    """Write bytes under a name, read them as rows."""

    def write_and_read(name, content):
        path = tmp_path / name
        path.write_bytes(content)
        return list(Source(path).rows())

    return write_and_read


def values(rows):
    return [row.value for row in rows if isinstance(row, Row)]


def bad_of(rows):
    return [row for row in rows if isinstance(row, BadRow)]


ROWS = [{"id": 1, "text": "a"}, {"id": 2, "text": "ü\u2028中"}]
JSONL = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", JSONL),
        ("rows.json", JSONL),
        ("rows.jsonl.gz", gzip.compress(JSONL)),
        ("named_wrongly.csv.gz.txt", gzip.compress(JSONL)),
        ("bom.jsonl", b"\xef\xbb\xbf" + JSONL),
        ("windows.jsonl", JSONL.replace(b"\n", b"\r\n")),
        ("blank_lines.jsonl", JSONL.replace(b"\n", b"\n\n")),
        ("no_last_newline.jsonl", JSONL.rstrip()),
        ("array.json", json.dumps(ROWS).encode()),
        ("pretty.json", json.dumps(ROWS, indent=2).encode()),
        ("array.json.gz", gzip.compress(json.dumps(ROWS).encode())),
        ("objects.json", "\n".join(json.dumps(row, indent=1) for row in ROWS).encode()),
    ],
)
def test_the_same_rows_come_out_of_every_json_container(read, name, content):
    assert values(read(name, content)) == ROWS


def test_lines_end_at_newlines_alone(read):
    rows = read("rows.jsonl", '{"a": "x\u2028y\u2029z\x0b\x0c\x85"}\n{"a": "2"}\n'.encode())
    assert [row.place.line for row in rows] == [1, 2]
    assert rows[0].value == {"a": "x\u2028y\u2029z\x0b\x0c\x85"} or isinstance(rows[0], BadRow)


def test_rows_of_a_pretty_array_know_the_line_they_start_on(read):
    rows = read("pretty.json", b'[\n  {\n    "a": 1\n  },\n  {\n    "a": 2\n  }\n]\n')
    assert [row.place.line for row in rows] == [2, 5]


def test_an_array_larger_than_the_window_is_read_whole(read, monkeypatch):
    monkeypatch.setattr(json_rows, "WINDOW_BYTES", 7)
    many = [{"n": n, "text": "ü" * n} for n in range(60)]
    assert values(read("array.json", json.dumps(many, ensure_ascii=False).encode())) == many


def test_numbers_at_the_edge_of_the_window_are_not_cut(read, monkeypatch):
    monkeypatch.setattr(json_rows, "WINDOW_BYTES", 3)
    assert values(read("numbers.json", b"[12345, 678901, 2]")) == [12345, 678901, 2]


@pytest.mark.parametrize(
    ("line", "field", "remedy"),
    [
        (b'{"a": 1', "column 8", "not JSON"),
        (b"nonsense", "column 1", "not JSON"),
        (b'{"a": NaN}', "", "not JSON; write a number or null"),
        (b'{"a": -Infinity}', "", "write a number or null"),
        (b'{"a": 1, "a": 2}', "a", "occurs twice"),
        (b'{"a": {"b": 1, "b": 1}}', "b", "occurs twice"),
        (b'{"a": "\xff"}', "", "byte 8 of the line is not UTF-8"),
        (b'{"a": ["x", "\\ud83d"]}', "a[1]", "surrogate"),
        (b'{"a": "\\u0000"}', "a", "NUL"),
        (b'{"a": ' + b"[" * 90 + b"]" * 90 + b"}", "", "nesting"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "", "nesting"),
    ],
    ids=lambda value: value[:24].decode("latin-1") if isinstance(value, bytes) else None,
)
def test_a_bad_line_is_reported_and_the_others_are_read(read, line, field, remedy):
    rows = read("rows.jsonl", b'{"n": 1}\n' + line + b'\n{"n": 3}\n')
    assert values(rows) == [{"n": 1}, {"n": 3}]
    (bad,) = bad_of(rows)
    assert (bad.place.line, bad.field) == (2, field)
    assert remedy in bad.remedy


@pytest.mark.parametrize(
    ("item", "remedy"),
    [
        (b'{"a": NaN}', "write a number or null"),
        (b'{"a": 1, "a": 2}', "occurs twice"),
        (b'{"a": "\\udc00"}', "surrogate"),
    ],
)
def test_an_unacceptable_item_of_an_array_is_stepped_over(read, item, remedy):
    rows = read("array.json", b'[{"n": 1},\n' + item + b',\n{"n": 3}]')
    assert values(rows) == [{"n": 1}, {"n": 3}]
    (bad,) = bad_of(rows)
    assert bad.place.line == 2
    assert remedy in bad.remedy


@pytest.mark.parametrize(
    ("content", "line", "remedy"),
    [
        (b'[{"n": 1},\n{"n": 2}', 2, "not closed"),
        (b'[{"n": 1},\n{"n": ', 2, "not JSON from here on"),
        (b'[{"n": 1}]\n trailing', 2, "after the end of the array"),
        (b'[{"n": 1},\n"\xff"]', 1, "not UTF-8"),
        (b'[{"n": 1},\n' + b"[" * 100_000, 2, "nesting"),
    ],
    ids=["not closed", "cut off", "trailing", "not utf-8", "too deep"],
)
def test_a_broken_array_ends_with_one_report(read, content, line, remedy):
    (bad,) = bad_of(read("array.json", content))
    assert bad.ends_file
    assert bad.place.line == line
    assert remedy in bad.remedy


def test_a_row_beyond_all_measure_is_refused_without_being_held(read, monkeypatch):
    monkeypatch.setattr(json_rows, "MAX_ROW_BYTES", 1000)
    rows = read("rows.jsonl", b'{"n": 1}\n{"a": "' + b"x" * 5000 + b'"}\n{"n": 3}\n')
    assert values(rows) == [{"n": 1}, {"n": 3}]
    assert bad_of(rows)[0].place.line == 2


def test_a_csv_keeps_line_breaks_commas_and_huge_cells(read, tmp_path):
    path = tmp_path / "in.csv"
    huge = "x" * 300_000  # the csv module's own limit is 131,072
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([["id", "text"], ["1", 'a\n"b",\r\nc\u2028'], ["2", huge]])
    rows = list(Source(path).rows())
    assert values(rows) == [{"id": "1", "text": 'a\n"b",\r\nc\u2028'}, {"id": "2", "text": huge}]
    assert [row.place.line for row in rows] == [2, 5]


@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_the_separator_of_a_csv_is_found(read, separator):
    content = separator.join(["a", "b"]) + "\n" + separator.join(["1", "2"]) + "\n"
    assert values(read("rows.csv", content.encode())) == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        (b"only", "1 cells under 2 columns"),
        (b"1,2,3", "3 cells under 2 columns"),
        (b"1,\xff", "not UTF-8"),
        (b"1,a\x00b", "NUL"),
        (b'1,"a"b', "not CSV"),
    ],
)
def test_a_bad_csv_row_is_reported_and_the_others_are_read(read, line, remedy):
    rows = read("rows.csv", b"a,b\n1,2\n" + line + b"\n3,4\n")
    assert values(rows) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    (bad,) = bad_of(rows)
    assert bad.place.line == 3
    assert remedy in bad.remedy


def test_a_csv_column_that_occurs_twice_ends_the_file(read):
    (bad,) = bad_of(read("rows.csv", b"a,b,a\n1,2,3\n"))
    assert (bad.field, bad.ends_file) == ("a", True)


def test_parquet_rows_come_in_batches_with_nested_values(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    path = tmp_path / "rows.parquet"
    table = [{"id": n, "turns": [{"role": "user", "content": "ü"}]} for n in range(600)]
    parquet.write_table(pa.Table.from_pylist(table), path)
    rows = list(Source(path).rows())
    assert values(rows) == table
    assert rows[-1].place.line == 600


def test_a_cut_off_parquet_file_is_one_bad_row(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.Table.from_pylist([{"id": 1}]), path)
    path.write_bytes(path.read_bytes()[:-20])
    (bad,) = bad_of(Source(path).rows())
    assert "damaged or cut off" in bad.remedy


def test_a_parquet_column_that_is_no_json_is_a_bad_row(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.table({"image": [b"\x89PNG"]}), path)
    (bad,) = bad_of(Source(path).rows())
    assert (bad.field, bad.place.line) == ("image", 1)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was opened",))


@pytest.mark.parametrize("name", ["ratings.pkl", "ratings.json", "ratings.pkl.gz"])
def test_a_pickle_is_never_opened(tmp_path, name):
    path = tmp_path / name
    content = pickle.dumps(Bomb())
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with pytest.raises(UnreadableFileError, match="runs whatever code it carries"):
        Source(path)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.jsonl", b"", "empty"),
        ("blank.json", b" \n\n", "empty"),
        ("noise.bin", bytes(range(32)) * 8, "neither JSON"),
        ("broken.jsonl.gz", gzip.compress(JSONL)[:12], "cut off or damaged"),
    ],
)
def test_a_file_that_cannot_be_opened_says_why(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=says):
        Source(path)


def test_a_gzip_file_cut_off_far_in_is_reported_at_its_end(tmp_path):
    path = tmp_path / "rows.jsonl.gz"
    lines = "".join(json.dumps({"n": n, "text": str(n) * 50}) + "\n" for n in range(40_000))
    packed = gzip.compress(lines.encode())
    path.write_bytes(packed[: len(packed) * 3 // 4])
    rows = list(Source(path).rows())
    assert isinstance(rows[-1], BadRow)
    assert rows[-1].ends_file
    assert len(rows) > 10_000


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json"])
def test_memory_does_not_grow_with_the_file(tmp_path, name):
    path = tmp_path / name
    lines = [json.dumps({"n": n, "text": "x" * 500}) for n in range(30_000)]
    is_array = name == "rows.json"
    path.write_text("[" + ",\n".join(lines) + "]" if is_array else "\n".join(lines))
    tracemalloc.start()
    count = sum(1 for _ in Source(path).rows())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 30_000
    assert peak < path.stat().st_size / 2
