"""The stamp file: exact, compact, quick, refused when damaged."""

import numpy as np
import pytest

from speed.stamps import ChunkKind, StampFileError, read_stamps, write_stamps
from tests.speed.conftest import stamps_of

ONE = {"sent": 0, "end": 30, "tokens": 2, "chunks": [(10, ChunkKind.CONTENT), (20, 2)]}


def test_a_run_is_read_back_as_it_was_written(tmp_path):
    stamps = stamps_of(ONE, ONE)
    write_stamps(tmp_path / "run", stamps)

    again = read_stamps(tmp_path / "run")

    assert np.array_equal(again.requests, stamps.requests)
    assert np.array_equal(again.chunk_at, stamps.chunk_at)
    assert again.header == stamps.header


@pytest.mark.parametrize("size", [0, 5, 20, -3])
def test_a_damaged_file_is_refused(tmp_path, size):
    path = tmp_path / "run"
    write_stamps(path, stamps_of(ONE))
    path.write_bytes(path.read_bytes()[:size])

    with pytest.raises(StampFileError):
        read_stamps(path)


def test_another_kind_of_file_is_refused(tmp_path):
    path = tmp_path / "run"
    path.write_bytes(b"PK\x03\x04 something else entirely")

    with pytest.raises(StampFileError, match="no stamp file"):
        read_stamps(path)


def test_a_chunk_takes_less_than_fifty_bytes_on_disk(tmp_path):
    chunks = [(i, ChunkKind.CONTENT) for i in range(10_000)]
    write_stamps(tmp_path / "run", stamps_of({"sent": 0, "end": 10_000, "chunks": chunks}))

    assert (tmp_path / "run").stat().st_size < 50 * 10_000
