"""How often answers are rendered while they stream, and what happens to words meanwhile."""

from weakref import WeakSet

import pytest

from arena.live import screen as screens
from arena.live.growing import GrowingMarkdown
from arena.live.screen import LONGEST_HOLD_S, SHARE, Screen

pytestmark = pytest.mark.one_round


@pytest.fixture
def clock(monkeypatch):
    """Stands still unless it is moved."""

    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

        thread_time = monotonic

    clock = Clock()
    monkeypatch.setattr(screens, "time", clock)
    monkeypatch.setattr(screens, "_streaming", WeakSet())  # not what other tests have left
    return clock


@pytest.fixture
def screen(clock):
    """Of two sides that show their first words."""
    opened = Screen([GrowingMarkdown(), GrowingMarkdown()])
    yield opened
    opened.close()


async def show(screen, *texts):
    """A tick later."""
    screens.time.now += 0.03
    for side, text in zip(screen.sides, texts, strict=True):
        side.feed(text)
    return await screen.news()


async def test_marks_are_rendered_at_once_while_there_is_room(screen):
    assert (await show(screen, "Some **bo", "Other *wo"))["blocks"][0]["open"].startswith("<p>")
    told = await show(screen, "ld**, and", "rds*, and")
    assert "<strong>bold</strong>, and" in told["blocks"][0]["open"]
    assert told["words"] == ["", ""]


async def test_both_sides_are_rendered_in_the_same_breath(screen):
    await show(screen, "Some", "Other")
    told = await show(screen, " **bold** words", " *slanted* words")
    assert all(told["blocks"])


async def test_what_means_nothing_yet_takes_no_turn(screen):
    assert await show(screen, "00", "-") is None
    assert screen._rendered_at == float("-inf")
    assert (await show(screen, "7 is a spy", " item"))["blocks"][0]["open"].startswith("<p>007")


async def test_plain_words_are_told_as_they_are(screen):
    await show(screen, "Some", "Other")
    assert await show(screen, " words", " ones") == {"words": [" words", " ones"]}


async def test_nothing_new_is_no_news(screen):
    await show(screen, "Some", "Other")
    assert await screen.news() is None


async def test_all_that_stream_share_the_process(screen, clock, monkeypatch):
    await show(screen, "Some", "Other")
    screen._cost_s = 0.001
    monkeypatch.setattr(screens, "_streaming", set(range(20)))
    assert await show(screen, " **bold** words", "") == {"words": [" ", ""]}
    assert screen.due_in_s == pytest.approx(20 * 0.001 / SHARE - 0.03)
    clock.now += 20 * 0.001 / SHARE
    assert (await screen.news())["blocks"][0]


async def test_where_rendering_would_wait_too_long_words_are_shown_as_they_are(screen, clock):
    await show(screen, "Some", "Other")
    screen._cost_s = 2 * LONGEST_HOLD_S * SHARE
    assert await show(screen, " **bo", "") == {"words": [" **bo", ""]}
    assert await show(screen, "ld** words", "") == {"words": ["ld** words", ""]}
    clock.now += 3 * LONGEST_HOLD_S
    assert "<strong>bold</strong> words" in (await screen.news())["blocks"][0]["open"]


async def test_code_gets_its_colours_later_than_its_characters(screen, clock):
    await show(screen, "```python\nx = 1", "Other")
    assert await show(screen, "\nfor y in x:", "") == {"words": ["\nfor y in x:", ""]}
    clock.now += 2
    assert '<span class="k">for</span>' in (await screen.news())["blocks"][0]["open"]


async def test_a_long_block_is_rendered_beside_the_loop(screen, monkeypatch):
    threads = []

    async def to_thread(render):
        threads.append(render)
        return render()

    monkeypatch.setattr(screens.asyncio, "to_thread", to_thread)
    await show(screen, "word " * 1000, "Other")
    assert len(threads) == 1


def test_a_closed_screen_takes_no_share():
    before = len(screens._streaming)
    opened = Screen([GrowingMarkdown()])
    assert len(screens._streaming) == before + 1
    opened.close()
    assert len(screens._streaming) == before
