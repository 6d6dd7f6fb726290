"""The staff's page of releases: asked for, written in the background, downloaded, taken back."""

import datetime as dt
import gzip
import json

import pytest
from django.urls import reverse
from django.utils import timezone

from arena.models import Vote, Voter, VoteRelease
from arena.tasks import make_vote_release
from arena.voting import releasing
from arena.voting.release import ReleaseOptions
from arena.voting.releasing import ask_for_release, make_release, remove_release, sweep_releases

pytestmark = pytest.mark.django_db
ASKED = {"dialect": "fastchat_battles", "most_per_prompt": 100, "fewest_askers": 1, "seed": 0}


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def votes(question_set, alpha, beta, make_battle):
    alice = Voter.objects.create(key="alice")
    for question in question_set.questions.all()[:3]:
        Vote.objects.create(
            battle=make_battle(question, alpha, beta), voter=alice, outcome="model_a"
        )
    Vote.objects.filter(pk=Vote.objects.first().pk).update(exclusion="too_fast")


@pytest.fixture
def release(votes, admin_user):
    return ask_for_release(dialect="fastchat_battles", options=ReleaseOptions(), by=admin_user)


def test_staff_ask_for_a_release_and_download_it(
    votes, admin_client, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(make_vote_release, "delay", make_vote_release)
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(reverse("release_list"), ASKED)
    page = admin_client.get(reverse("release_list")).text
    assert "voted faster than the answers can be read" in page
    made = VoteRelease.objects.get()
    assert made.report["released"] == 2
    response = admin_client.get(reverse("release_file", args=[made.pk]))
    assert "attachment" in response["Content-Disposition"]
    rows = json.loads(gzip.decompress(b"".join(response.streaming_content)))
    assert [row["winner"] for row in rows] == ["model_a", "model_a"]


@pytest.mark.parametrize("wrong", [{"most_per_prompt": 0}, {"fewest_askers": 0}, {"dialect": "x"}])
def test_a_form_that_makes_no_sense_is_refused(votes, admin_client, wrong):
    page = admin_client.post(reverse("release_list"), ASKED | wrong)
    assert page.status_code == 200
    assert not VoteRelease.objects.exists()


def test_visitors_neither_see_nor_download_releases(release, client):
    make_release(release.pk)
    for url in (reverse("release_list"), reverse("release_file", args=[release.pk])):
        assert "login" in client.get(url)["Location"]


def test_a_release_is_written_once_however_often_it_is_asked_for(release):
    make_release(release.pk)
    file = VoteRelease.objects.get().file.name
    make_release(release.pk)
    assert VoteRelease.objects.get().file.name == file


def test_a_release_whose_worker_died_is_written_by_the_next_one(release, monkeypatch):
    monkeypatch.setattr(releasing, "_written", lambda _: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit):
        make_release(release.pk)
    monkeypatch.undo()
    make_release(release.pk)
    assert VoteRelease.objects.get().status == "claimed"
    VoteRelease.objects.update(lease_expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert sweep_releases() == [release.pk]
    make_release(release.pk)
    assert VoteRelease.objects.get().status == "done"


def test_a_release_that_kills_its_workers_is_given_up(release):
    VoteRelease.objects.update(
        status="claimed", attempts=3, lease_expires_at=timezone.now() - dt.timedelta(seconds=1)
    )
    assert sweep_releases() == []
    assert VoteRelease.objects.get().error_kind == "abandoned"


def test_a_failure_is_told_on_the_page(release, admin_client, monkeypatch):
    def full(_):
        raise OSError("no space left on device")

    monkeypatch.setattr(releasing, "_written", full)
    make_release(release.pk)
    assert "no space left on device" in admin_client.get(reverse("release_list")).text


def test_a_release_taken_back_while_it_is_written_leaves_no_file(release, media, monkeypatch):
    monkeypatch.setattr(releasing, "TELL_EVERY", 1)
    tell = releasing._Progress.tell

    def remove_first(progress):
        VoteRelease.objects.filter(pk=release.pk).delete()
        tell(progress)

    monkeypatch.setattr(releasing._Progress, "tell", remove_first)
    make_release(release.pk)
    assert not list(media.rglob("votes-*"))


def test_progress_is_told_while_a_release_is_written(release, monkeypatch):
    monkeypatch.setattr(releasing, "TELL_EVERY", 1)
    told = []
    tell = releasing._Progress.tell

    def listen(progress):
        tell(progress)
        told.append(VoteRelease.objects.values_list("battles_done", "battles_total").get())

    monkeypatch.setattr(releasing._Progress, "tell", listen)
    make_release(release.pk)
    assert told == [(1, 3), (2, 3), (3, 3), (3, 3)]


def test_removing_a_release_removes_its_file(release, media, admin_client):
    make_release(release.pk)
    assert list(media.rglob("votes-*"))
    admin_client.post(reverse("release_remove", args=[release.pk]))
    assert not list(media.rglob("votes-*"))
    assert not VoteRelease.objects.exists()


def test_a_file_that_is_gone_is_said_so(release, media, admin_client):
    make_release(release.pk)
    for path in media.rglob("votes-*"):
        path.unlink()
    assert "is gone" in admin_client.get(reverse("release_list")).text
    assert admin_client.get(reverse("release_file", args=[release.pk])).status_code == 404


def test_removing_one_that_has_no_file_yet_works(release):
    remove_release(release)
    assert not VoteRelease.objects.exists()
