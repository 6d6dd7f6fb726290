"""Figures that take long are kept, and renewed by a worker; those of people against judges are."""

import datetime as dt
import re
from types import SimpleNamespace

import numpy as np
import pytest
from django.urls import reverse
from django.utils import timezone

from arena import keeping, tasks
from arena.models import KeptFigures
from judging import people_kept
from judging.agreement import Estimate, TwoRaters
from judging.people_figures import Agreement, Alpha, Disputes, PeopleFigures
from judging.people_kept import PEOPLE, dated_figures
from judging.people_packed import packed, unpacked

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch):
    """The time as the keeper sees it; each working out takes ``clock.takes`` seconds."""
    clock = SimpleNamespace(now=100.0, takes=1.0, worked_out=0)
    start = timezone.now()

    def work_out(*, include_demo):
        clock.now += clock.takes
        clock.worked_out += 1
        return PeopleFigures(split=clock.worked_out)

    def moment():
        return start + dt.timedelta(seconds=clock.now)

    monkeypatch.setattr(people_kept, "people_figures", work_out)
    monkeypatch.setattr(keeping.time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(keeping.timezone, "now", moment)
    monkeypatch.setattr(keeping, "KEPT_FROM_S", 0.05)
    return clock


@pytest.fixture
def asked(monkeypatch):
    """Messages to workers, which wait there."""
    sent = []
    monkeypatch.setattr(tasks.renew_figures, "delay", sent.append)
    return sent


def shown():
    found = dated_figures(include_demo=False)
    return found and found.figures.split


def test_figures_that_took_long_are_kept_twenty_times_as_long(clock, asked):
    assert shown() == 1
    clock.now += 18
    assert (shown(), clock.worked_out, asked) == (1, 1, [])


def test_another_process_reads_the_same_figures_with_the_same_moment(clock, asked):
    """All there is lies in the row: nothing of this process is asked."""
    first, second = (dated_figures(include_demo=False) for _ in range(2))
    kept = KeptFigures.objects.get()
    assert first.worked_out_at == second.worked_out_at == kept.worked_out_at
    assert second.figures.split == 1


def test_who_finds_them_old_reads_the_last_ones_while_a_worker_makes_new_ones(clock, asked):
    shown()
    clock.now += 21
    assert [shown() for _ in range(3)] == [1, 1, 1]
    assert dated_figures(include_demo=False).is_old
    assert (clock.worked_out, asked) == (1, ["judging.people_kept.PEOPLE"])
    tasks.renew_figures(asked.pop())
    assert (shown(), dated_figures(include_demo=False).is_old, asked) == (2, False, [])


def test_a_renewal_that_got_lost_is_asked_for_again(clock, asked):
    shown()
    clock.now += 21
    shown()
    clock.now += 59
    shown()
    assert len(asked) == 1
    clock.now += 2
    shown()
    assert len(asked) == 2


def test_a_renewal_that_comes_late_overwrites_no_newer_figures(clock, asked):
    shown()
    clock.now += 21
    PEOPLE.renew()
    newest = KeptFigures.objects.get().worked_out_at
    clock.now -= 40
    PEOPLE.renew()
    assert (shown(), KeptFigures.objects.get().worked_out_at) == (2, newest)


def test_quick_figures_are_worked_out_for_every_reader(clock, asked):
    clock.takes = 0.01
    assert [shown(), shown()] == [1, 2]
    assert not KeptFigures.objects.exists()


def test_figures_that_are_quick_again_are_kept_no_longer(clock, asked):
    shown()
    clock.takes = 0.01
    PEOPLE.renew()
    assert not KeptFigures.objects.exists()
    assert [shown(), shown()] == [3, 4]


def test_figures_that_are_doubted_are_renewed_before_their_time(clock, asked):
    shown()
    PEOPLE.doubt()
    assert (shown(), dated_figures(include_demo=False).is_old) == (1, True)
    tasks.renew_figures(asked.pop())
    assert (shown(), dated_figures(include_demo=False).is_old, asked) == (2, False, [])


def test_a_worker_is_asked_for_nothing_but_keepers(db):
    with pytest.raises(ImportError, match="keeps no figures"):
        tasks.renew_figures("judging.people_kept.dated_figures")


def test_with_many_votes_figures_are_kept_however_quick_they_were(clock, asked, monkeypatch):
    monkeypatch.setattr(keeping, "MANY_VOTES", 0)
    clock.takes = 0.01
    PEOPLE.renew()
    assert [shown(), shown()] == [1, 1]


def test_figures_of_an_older_form_are_not_read(clock, asked):
    shown()
    KeptFigures.objects.update(form=0, figures={})
    assert (shown(), shown()) == (2, 2)


def test_the_demo_and_real_votes_are_kept_apart(clock, asked):
    shown()
    assert dated_figures(include_demo=True).figures.split == 2
    assert KeptFigures.objects.count() == 2


def test_the_page_tells_the_moment_and_that_newer_figures_are_on_their_way(clock, asked, client):
    page = client.get(reverse("people_and_judges")).text
    moment = KeptFigures.objects.get().worked_out_at
    assert f"0 votes count, as of {moment:%Y-%m-%d %H:%M:%S} UTC." in page
    assert "Newer figures" not in page
    assert "renewed in the background" in client.get(reverse("people_and_judges")).text
    clock.now += 21
    old = client.get(reverse("people_and_judges")).text
    assert "Newer figures are being worked out" in old
    assert 'hx-trigger="load delay:3s"' in old  # shows them by itself
    assert "hx-trigger" not in re.search(r'<div id="people"[^>]*>', page)[0]


def test_with_many_votes_the_first_reader_does_not_wait(clock, asked, client, monkeypatch):
    monkeypatch.setattr(keeping, "MANY_VOTES", 0)
    page = client.get(reverse("people_and_judges")).text
    assert "being worked out" in page
    assert (clock.worked_out, len(asked)) == (0, 1)
    client.get(reverse("people_and_judges"))
    tasks.renew_figures(asked.pop())
    page = client.get(reverse("people_and_judges")).text
    assert "being worked out" not in page
    assert "Agreement among people" in page


def test_figures_come_back_from_a_row_as_they_were():
    estimate, nothing = Estimate(0.5, 0.25, 0.75, 8, 3), Estimate(None, None, None, 0, 0)
    figures = PeopleFigures(
        rows=[Agreement(7, "coding", TwoRaters(estimate, nothing, estimate), 4, 1)],
        alphas=[Alpha("", nothing, 0)],
        disputes=Disputes(("", "coding"), np.array([[3, 7, 1, 0, 2]])),
        votes=9,
        wavering=2,
        split=1,
    )
    told, disputes = packed(figures)
    back = unpacked(told, disputes)
    assert (back.rows, back.alphas) == (figures.rows, figures.alphas)
    assert back.disputes.at([0]) == figures.disputes.at([0])
    assert (back.votes, back.wavering, back.split) == (9, 2, 1)
