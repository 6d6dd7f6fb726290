"""How the benchmark pages write figures, names and settings."""

import pytest
from django.urls import reverse
from django.utils import translation

from benchmarks.charts import heat_map, needle_map
from benchmarks.models import Sample
from benchmarks.sample_reading import ChoiceLine, split_choices
from benchmarks.services.preparing import create_benchmark_run
from benchmarks.services.scoring import refresh_scores
from benchmarks.suite_words import WORDS
from benchmarks.suites import SUITES
from benchmarks.templatetags import scores


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.713, "71.3"), (1.0, "100.0"), (12.8409, "12.841"), (36915634468.9, "3.69e+10")],
)
def test_a_score_is_a_percentage_a_figure_or_a_power(value, text):
    assert scores.score({"value": value}) == scores.share(value) == text


def test_differences_have_a_true_minus_and_nothing_has_no_sign():
    assert [scores.points(v) for v in (0.333, -0.1, 0.0, None)] == ["+33.3", "−10.0", "0.0", "–"]
    assert scores.signed(-1.5) == "−1.500"
    assert [scores.z_value(z) for z in (-0.64, float("inf"), float("nan"))] == ["−0.64", "–", "–"]


def test_settings_are_told_as_a_reader_would_write_them():
    assert scores.told(["shuffled", "redrawn"]) == "shuffled, redrawn"
    assert scores.told({"stop": ["问"]}) == '{"stop": ["问"]}'
    assert scores.told(True) == "true"
    assert scores.told("main") == "main"


def test_long_names_may_be_broken_after_their_parts_and_are_escaped():
    assert scores.breakable("redrawn@mmlu_law") == "redrawn@<wbr>mmlu_<wbr>law"
    assert "<b>" not in scores.breakable("a_<b>")


def test_how_a_task_is_asked_is_said_in_words():
    with translation.override("en"):
        assert scores.asked_by("generate_until") == "a written answer"
        assert scores.asked_by("something_new") == "something_new"


def test_everything_our_suites_say_about_their_tasks_can_be_translated():
    cards = [card for name, suite in SUITES.items() if name != "lm-eval"
             for card in suite.cards(None)]  # fmt: skip
    said = {text for card in cards for text in (card.title, card.description) if text}
    # names of benchmarks and lists of them are the same in every language
    names = {text for text in said if all(part[:1].isupper() or part[:1].isdigit() or part in
             ("llmuses", "core", "v1") for part in text.replace(",", "").split())}  # fmt: skip
    assert said - names <= set(WORDS) <= said


def line(share, *, gold=False):
    return ChoiceLine("x", -1.0, share, -1.0, 1, False, gold, False, False)


def test_of_many_choices_the_likeliest_and_the_right_one_are_shown():
    lines = [line(place / 100, gold=place == 3) for place in range(30)]
    found = split_choices(lines)
    assert [shown.share for shown in found.shown] == [
        0.29, 0.28, 0.27, 0.26, 0.25, 0.24, 0.23, 0.22, 0.03
    ]  # fmt: skip
    assert len(found.shown) + len(found.rest) == 30
    few = [line(0.1), line(0.9)]
    assert split_choices(few).shown == few


def samples_of_needles():
    return [
        Sample(doc={"length": length, "depth": depth}, value=float(depth == 50))
        for length in (100, 200)
        for depth in (0, 50)
    ]


def test_the_map_of_needles_says_what_its_axes_are():
    found = needle_map(samples_of_needles())
    layout = found["figure"]["layout"]
    assert layout["xaxis"]["title"]["text"] == "Length (tokens)"
    assert layout["yaxis"]["title"]["text"] == found["columns"][0] == "Depth (%)"
    assert found["rows"] == [["0", "0", "0"], ["50", "100", "100"]]


@pytest.mark.django_db
def test_many_tasks_stand_below_each_other_in_the_heat_map(client, alpha, beta, finished_run):
    for model in (alpha, beta):
        run = finished_run(model, [1, 0])
        task = run.tasks.get()
        for n in range(13):
            task.pk, task.name, task.fingerprint_hash = None, f"t{n:02}", f"of {n}"
            task.save()
    found = heat_map(client.get(reverse("benchmark_board")).context["board"])
    trace = found["figure"]["data"][0]
    assert len(trace["y"]) == 14
    assert len(trace["x"]) == 2
    assert found["columns"] == ["Task", *trace["x"]]
    assert [row[0] for row in found["rows"]] == trace["y"]


@pytest.mark.django_db
def test_the_form_of_the_audit_shows_which_reading_made_the_score(
    admin_client, alpha, finished_run
):
    run = finished_run(alpha, [1, 0])
    task = run.tasks.get()
    task.protocol, task.primary_metric = "generation", "acc,letter"
    task.save()
    url = reverse("benchmark_samples", args=[run.pk, task.pk])
    assert "lenient (as now)" in admin_client.get(url).content.decode()
    task.extractor = "marked"
    task.save()
    assert "marked (as now)" in admin_client.get(url).content.decode()


@pytest.mark.django_db
def test_presets_of_our_own_suites_can_be_chosen_beside_the_boards(admin_client):
    page = admin_client.get(reverse("benchmark_new"))
    names = [name for name, _, _ in page.context["presets"]]
    assert {"clue", "humaneval mbpp", "needle_haystack", "superglue"} <= set(names)
    assert "?tasks=humaneval%20mbpp" in page.content.decode()
    chosen = admin_client.get(reverse("benchmark_new"), {"tasks": "humaneval mbpp"})
    assert chosen.context["form"]["tasks"].value() == "humaneval mbpp"


@pytest.mark.django_db
def test_a_label_names_the_first_tasks_and_how_many_there_are(alpha, monkeypatch):
    monkeypatch.setattr("benchmarks.services.preparing.plan_selection", lambda *_: None)
    names = [f"task_{n}" for n in range(9)]
    run = create_benchmark_run(
        language_model=alpha, selection=names, model_args={"checkpoint": "here"}
    )
    assert run.label.endswith(": task_0, task_1, task_2, task_3… (9)")
    few = create_benchmark_run(
        language_model=alpha, selection=names[:5], model_args={"checkpoint": "here"}
    )
    assert few.label.endswith("task_3, task_4")


class OddMetric:
    """A metric that is no number, or more than any."""

    def __init__(self, found):
        self.found = found

    def aggregate(self, metric, values):
        if self.found is None:
            raise OverflowError("math range error")
        return self.found


@pytest.mark.django_db
@pytest.mark.parametrize("found", [(float("nan"), float("nan")), (float("inf"), 1.0), None])
def test_a_metric_that_is_no_number_is_stored_as_not_known(client, alpha, finished_run, found):
    run = finished_run(alpha, [1, 0])
    task = refresh_scores(run.tasks.get(), OddMetric(found))
    task.refresh_from_db()
    known = {name: task.score[name] for name in ("value", "stderr", "lower", "upper")}
    assert known == {"value": None, "stderr": found and scores_error(found), "lower": None,
                     "upper": None}  # fmt: skip
    assert client.get(reverse("benchmark_run", args=[run.pk])).status_code == 200
    assert client.get(reverse("benchmark_board")).status_code == 200


def scores_error(found):
    return found[1] if found[1] == 1.0 else None
