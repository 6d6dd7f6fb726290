"""A recorded stamp file gives every tool's figures, held against a second implementation.

``data/recorded.stamps``: 80 requests at concurrency 6 against the mock, with empty openers, two
tokens per package, injected errors and cut streams; then 20 requests that are not streamed.
"""

from pathlib import Path

import pytest

from speed.definitions import DEFINITIONS
from speed.metrics.summary import setting_of
from speed.metrics.timeline import Timeline
from speed.stamps import read_stamps
from tests.speed import by_hand

RECORDED = Path(__file__).parent / "data" / "recorded.stamps"
STREAMED, WHOLE = 0, 1


@pytest.fixture(scope="module")
def stamps():
    return read_stamps(RECORDED)


def reading(stamps, tool, phase):
    timeline = Timeline(stamps, phase)
    setting = setting_of(stamps.header["plan"]["phases"][phase], len(timeline))
    return DEFINITIONS.get(tool)(timeline, setting)


def test_the_record_holds_successes_and_failures(stamps):
    seen = by_hand.requests_of(stamps, STREAMED)

    assert len(seen) == 80
    assert 0 < sum(not request.is_success for request in seen) < 40


@pytest.mark.parametrize("phase", [STREAMED, WHOLE])
def test_every_llmuses_metric_is_reproduced(stamps, phase):
    seen = by_hand.requests_of(stamps, phase)
    expected = by_hand.llmuses(seen, concurrency=6, expected=(80, 20)[phase])

    ours = {metric.name: metric.value for metric in reading(stamps, "llmuses", phase).metrics}

    assert ours == pytest.approx(expected, rel=1e-9)


def test_llmuses_percentiles_are_reproduced(stamps):
    good = [r for r in by_hand.requests_of(stamps, STREAMED) if r.is_success]
    latencies = [request.end - request.sent for request in good]

    ours = reading(stamps, "llmuses", STREAMED).percentiles["latency_s"]

    assert ours == pytest.approx({p: by_hand.llmuses_percentile(latencies, p) for p in ours})


@pytest.mark.parametrize("tool", by_hand.MODERN)
def test_every_modern_definition_is_reproduced_from_the_same_stamps(stamps, tool):
    expected = by_hand.MODERN[tool](by_hand.requests_of(stamps, STREAMED))

    ours = reading(stamps, tool, STREAMED)

    assert {name: ours.value(name) for name in expected} == pytest.approx(expected, rel=1e-9)


def test_the_record_has_four_different_times_per_output_token(stamps):
    values = {
        reading(stamps, "agon", STREAMED).value("mean_tpot_s"),
        reading(stamps, "llmuses", STREAMED).value("tpot_run_s"),
        reading(stamps, "evalscope", STREAMED).value("average_tpot_s"),
        reading(stamps, "guidellm", STREAMED).value("tpot_s"),
    }

    assert len({round(value, 5) for value in values}) == 4
