"""The public AlpacaEval sample, imported and rated, gives the numbers published with it."""

import io
import json

import pytest
from django.core.management import call_command
from django.db import transaction

pytestmark = pytest.mark.django_db
BASELINE = "gpt4_1106_preview"
TOLERANCE = 0.01  # percentage points; the published rows are rounded to four decimals


@pytest.fixture(scope="module")
def rated(shared_data, django_db_setup, django_db_blocker):
    """The ratings alone: what they were made from does not stay in the database."""
    folder = shared_data / "alpaca_eval"
    files = [str(folder / f"{name}.jsonl") for name in ("instructions", "outputs", "annotations")]
    options = json.dumps({"baseline": BASELINE})
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("import_data", *files, "--set", "alpaca", stdout=io.StringIO())
        out = io.StringIO()
        call_command(
            "rate", "overall", "--method", "alpaca_eval", "--options", options, "--json", stdout=out
        )
        transaction.set_rollback(True)
    return {row["model"]: row for row in json.loads(out.getvalue())["ratings"]}


@pytest.fixture
def published(shared_data):
    lines = (shared_data / "alpaca_eval" / "leaderboard.jsonl").read_text().splitlines()
    return {row["model"]: row for row in map(json.loads, lines)}


@pytest.fixture
def counted(shared_data):
    """Counts and lengths by a second way: straight from the files."""
    lines = (shared_data / "alpaca_eval" / "annotations.jsonl").read_text().split("\n")
    rows = [json.loads(line) for line in lines if line]
    outputs = (shared_data / "alpaca_eval" / "outputs.jsonl").read_text().split("\n")
    texts = [json.loads(line) for line in outputs if line]
    counts = {}
    for model in {row["generator_2"] for row in rows}:
        preferences = [row["preference"] for row in rows if row["generator_2"] == model]
        lengths = [len(text["output"]) for text in texts if text["generator"] == model]
        counts[model] = {
            "n_total": len(preferences),
            "n_wins": sum(preference > 1.5 for preference in preferences),
            "n_wins_base": sum(preference < 1.5 for preference in preferences),
            "n_draws": sum(preference == 1.5 for preference in preferences),
            "avg_length": sum(lengths) / len(lengths),
        }
    return counts


def test_win_rates_and_standard_errors_equal_the_published_rows(rated, published):
    for model, row in published.items():
        assert rated[model]["win_rate"] == pytest.approx(row["subset_win_rate"], abs=TOLERANCE)
        error = row["subset_standard_error"]
        assert rated[model]["standard_error"] == pytest.approx(error, abs=TOLERANCE)


def test_counts_are_exact_and_lengths_are_those_of_the_texts(rated, counted):
    for model, row in counted.items():
        assert {key: rated[model][key] for key in row} == {
            **row,
            "avg_length": pytest.approx(row["avg_length"], abs=TOLERANCE),
        }


def test_a_length_controlled_win_rate_is_fitted_on_the_samples_own_answers(rated, published):
    for model in published:
        assert 0 <= rated[model]["length_controlled_winrate"] <= 100
