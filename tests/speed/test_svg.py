"""Pictures of charts that need no script."""

from xml.etree import ElementTree

import pytest

from speed.charts import load_chart, series_chart, ttft_chart
from speed.metrics.timeline import Timeline
from speed.svg import chart_svg
from tests.speed.conftest import stamps_of, text_at

SVG = "{http://www.w3.org/2000/svg}"


def drawn(chart):
    return ElementTree.fromstring(
        f'<div xmlns="http://www.w3.org/2000/svg">{chart_svg(chart)}</div>'
    )


def test_a_line_goes_through_every_point_on_its_own_scale():
    chart = series_chart(
        "s", "Sweep", ("level", "ms"), {"TTFT": [("a", 0.0), ("b", 5.0), ("c", 10.0)]}
    )

    points = drawn(chart).find(f".//{SVG}polyline").get("points").split()

    heights = [float(point.split(",")[1]) for point in points]
    assert len(points) == 3
    assert heights[0] > heights[1] > heights[2]
    assert heights[1] == pytest.approx((heights[0] + heights[2]) / 2)


def test_a_missing_value_is_no_point():
    chart = series_chart("s", "Sweep", ("level", "ms"), {"TTFT": [("a", 1.0), ("b", None)]})

    assert len(drawn(chart).findall(f".//{SVG}circle")) == 1


def test_text_in_a_chart_cannot_become_markup():
    chart = series_chart("s", "<b>", ("<i>", "ms"), {"<script>": [("<u>", 1.0)]})

    assert "<script>" not in chart_svg(chart)
    assert drawn(chart).find(f".//{SVG}svg").get("aria-label") == "<b>"


def test_the_second_axis_has_a_scale_of_its_own():
    requests = [
        {"sent": n, "end": n + 900, "tokens": 3, "chunks": text_at(n + 100, n + 500, n + 900)}
        for n in range(0, 3000, 50)
    ]
    timeline = Timeline(stamps_of(*requests))

    assert len(drawn(load_chart("k", timeline)).findall(f".//{SVG}polyline")) == 2
    assert len(drawn(ttft_chart("k", timeline)).findall(f".//{SVG}circle")) == 60
