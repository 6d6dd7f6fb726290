"""What a reader learns about one sample, and how samples are found."""

import pytest
from django.urls import reverse

from arena.models import RunStatus, WorkStatus
from benchmarks.models import BenchmarkRun, Sample
from benchmarks.sample_reading import choice_lines, gold_places, gold_text
from benchmarks.selectors import queue_lines
from benchmarks.views.board import drawn_differences

pytestmark = pytest.mark.django_db


def asked(*logprobs, texts=(" a", " bb")):
    return [
        ({"kind": "likelihood", "continuation": text}, {"logprob": value, "tokens": 1})
        for text, value in zip(texts, logprobs, strict=True)
    ]


def test_each_choice_has_its_share_and_its_value_per_character():
    sample = Sample(target=0, choices=["a", "bb"])
    first, second = choice_lines(sample, asked(-2.0, -2.0))
    assert first.share == second.share == 0.5
    assert (first.per_character, second.per_character) == (-2.0, -1.0)
    assert (first.is_first, second.is_first) == (True, False)  # ties go to the lowest index
    assert second.is_first_per_character
    assert first.is_gold


def test_choices_without_a_reply_have_no_share():
    lines = choice_lines(Sample(target=0, choices=["a", "bb"]), asked(None, None))
    assert [(line.share, line.is_first) for line in lines] == [(None, False), (None, False)]


@pytest.mark.parametrize(
    ("target", "choices", "continuations", "places", "text"),
    [
        (1, ["x", "y"], [" x", " y"], {1}, "y"),
        (["B"], ["x", "y"], [" A", " B"], {1}, "B"),
        ("y", ["x", "y"], [" A", " B"], {1}, "y"),
        ([0, 1], ["x", "y"], [" x", " y"], {0, 1}, "x · y"),
        (None, [], [" x"], set(), ""),
        (True, ["x", "y"], [" x", " y"], set(), "True"),
    ],
)
def test_the_gold_is_known_however_a_task_writes_it(target, choices, continuations, places, text):
    sample = Sample(target=target, choices=choices)
    assert gold_places(sample, continuations) == places
    assert gold_text(sample) == text


def test_a_sample_page_marks_gold_and_likeliest_and_other_models_answers(
    client, alpha, beta, finished_run
):
    run = finished_run(alpha, [0])
    finished_run(beta, [1])
    page = client.get(reverse("benchmark_sample", args=[run.samples.get().pk])).content.decode()
    assert "likeliest" in page
    assert "Beta" in page


def test_samples_are_found_by_text_in_any_language(client, alpha, finished_run):
    run = finished_run(alpha, [1, 0])
    sample = run.samples.order_by("index")[1]
    sample.responses = [{"text": 'a "quoted" 答案\n'}]
    sample.save()
    url = reverse("benchmark_samples", args=[run.pk, run.tasks.get().pk])
    for text in ("答案", '"quoted"', "QUOTED"):
        found = client.get(url, {"text": text}).context["page"].object_list
        assert [row.index for row in found] == [1], text


def test_the_sample_list_offers_runs_to_disagree_with(client, alpha, beta, finished_run):
    run, other = finished_run(alpha, [1]), finished_run(beta, [0])
    finished_run(beta, [0], fingerprint="f2")
    page = client.get(reverse("benchmark_samples", args=[run.pk, run.tasks.get().pk]))
    assert page.context["others"] == [other]


def test_the_queue_knows_how_far_each_run_is_and_asks_twice(
    alpha, beta, finished_run, django_assert_num_queries
):
    for model in (alpha, beta):
        run = finished_run(model, [1, 0, 1])
        run.samples.filter(index=2).update(status=WorkStatus.PENDING)
    BenchmarkRun.objects.update(status=RunStatus.ACTIVE)
    with django_assert_num_queries(2):
        lines = queue_lines()
    assert [(line.total, line.done, line.is_waiting) for line in lines] == [(3, 2, True)] * 2


def test_differences_are_drawn_on_one_scale_around_no_difference():
    class Line:
        def __init__(self, *bounds, is_share=True):
            self.bounds, self.is_share = bounds, is_share

    other = Line(-9.0, 0.0, 18.0, is_share=False)
    lines = [Line(-0.5, 0.0, 0.5), Line(0.0, 0.25, 0.5), other]
    wide, narrow, apart = drawn_differences(lines)
    assert (wide["left"], wide["at"], wide["right"]) == (2.0, 50.0, 98.0)
    assert (narrow["left"], narrow["at"]) == (50.0, 74.0)
    assert (apart["left"], apart["right"]) == (26.0, 98.0)


def test_a_difference_that_is_no_share_is_told_in_its_own_unit(client, alpha, beta, finished_run):
    runs = [finished_run(model, [1, 0, 1, 0]) for model in (alpha, beta)]
    for run, by in zip(runs, (-10.0, -12.5), strict=True):
        run.samples.update(value=by)
    query = dict(zip("ab", (run.pk for run in runs), strict=True))
    page = client.get(reverse("benchmark_compare"), query).content.decode()
    assert "+2.500" in page
    assert "+250.0" not in page


def test_the_report_holds_wrong_answers_and_loads_nothing(client, alpha, finished_run):
    run = finished_run(alpha, [1, 0])
    page = client.get(reverse("benchmark_report", args=[run.pk])).content.decode()
    assert "Question: why?" in page
    for outside in ("http://", "https://", "<script", "<link", "src=", "href="):
        assert outside not in page
