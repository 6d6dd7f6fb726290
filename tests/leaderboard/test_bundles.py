"""A snapshot's bundle gives its numbers again, bit for bit and without a database."""

import io
import json
import zipfile

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from leaderboard import bundling, services
from leaderboard.bundles import (
    BundleError,
    archived,
    read_bundle,
    recompute,
    unarchived,
    write_bundle,
)
from leaderboard.bundling import RowsChangedError, bundle_bytes
from leaderboard.models import Board
from leaderboard.services import take_snapshot


@pytest.fixture
def bundle(board, votes, tmp_path):
    path = tmp_path / "snapshot.zip"
    path.write_bytes(bundle_bytes(take_snapshot(board=board)))
    return path


@pytest.mark.parametrize("method", ["bradley_terry", "elo", "elo_bootstrap", "davidson"])
def test_recomputing_gives_the_published_numbers_bit_for_bit(board, votes, tmp_path, method):
    Board.objects.update(method=method, seed=7)
    board.refresh_from_db()
    path = tmp_path / "snapshot.zip"
    path.write_bytes(bundle_bytes(take_snapshot(board=board)))
    assert recompute(read_bundle(path)).differences == []


def test_recomputing_needs_no_database(bundle, django_assert_num_queries):
    with django_assert_num_queries(0):
        call_command("recompute_snapshot", str(bundle), stdout=(out := io.StringIO()))
    assert "bit for bit" in out.getvalue()


def test_the_same_snapshot_gives_the_same_file(board, votes):
    snapshot = take_snapshot(board=board)
    assert bundle_bytes(snapshot) == bundle_bytes(snapshot)


def test_a_changed_bundle_is_found_out(bundle):
    opened = read_bundle(bundle)
    opened.manifest["ratings"][0]["rating"] += 1
    bundle.write_bytes(write_bundle(opened.manifest, archived(opened.columns)))
    with pytest.raises(CommandError, match="1 numbers differ"):
        call_command("recompute_snapshot", str(bundle), stdout=io.StringIO())


def test_a_bundle_names_no_voter(bundle):
    with zipfile.ZipFile(bundle) as opened:
        assert b"alice" not in opened.read("manifest.json") + opened.read("columns.npz")
    assert set(read_bundle(bundle).columns["voter"].tolist()) == {0}


@pytest.mark.parametrize("content", [b"", b"not a zip"])
def test_a_file_that_is_no_bundle_is_refused_by_name(tmp_path, content):
    path = tmp_path / "other.zip"
    path.write_bytes(content)
    with pytest.raises(BundleError, match=r"other\.zip is not a snapshot bundle"):
        read_bundle(path)


def test_a_bundle_of_another_format_is_refused(tmp_path):
    path = tmp_path / "later.zip"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr("manifest.json", json.dumps({"format": "agon-snapshot-9"}))
        opened.writestr("columns.npz", archived({}))
    path.write_bytes(file.getvalue())
    with pytest.raises(BundleError, match="agon-snapshot-9"):
        read_bundle(path)


def test_an_archive_with_python_objects_is_refused():
    file = io.BytesIO()
    np.savez(file, evil=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        unarchived(file.getvalue())


@pytest.fixture
def nothing_kept(monkeypatch):
    """A board too large for its snapshots to keep their own rows."""
    monkeypatch.setattr(services, "KEPT_ROWS", 0)


def test_a_large_board_selects_its_rows_again_up_to_then(board, votes, nothing_kept, battles):
    snapshot = take_snapshot(board=board)
    votes[0].pk, votes[0].voter = None, None
    votes[0].save(force_insert=True)
    manifest = json.loads(_manifest(bundle_bytes(snapshot)))
    assert manifest["battles"] == 9


def _manifest(data):
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return opened.read("manifest.json")


def test_rows_that_changed_since_are_told_rather_than_papered_over(
    client, board, votes, nothing_kept
):
    snapshot = take_snapshot(board=board)
    votes[0].exclusion = "staff"
    votes[0].save()
    with pytest.raises(RowsChangedError, match="8 count today, 9 did then"):
        bundling.bundle_bytes(snapshot)
    assert client.get(reverse("board_bundle", args=["main"])).status_code == 409


def test_a_bundle_can_be_downloaded(client, board, votes):
    take_snapshot(board=board)
    response = client.get(reverse("board_bundle", args=["main"]))
    assert response.headers["Content-Type"] == "application/zip"
    assert json.loads(_manifest(response.content))["snapshot"] == 1
