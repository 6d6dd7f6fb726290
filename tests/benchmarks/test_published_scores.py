"""Published scores come from a file or the administration, all rows or none."""

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from benchmarks.models import PublishedScore
from benchmarks.questions.reading import QuestionFileError
from benchmarks.services.published import import_published_scores

pytestmark = pytest.mark.django_db
HEAD = "model,task,value,source,metric,num_fewshot,protocol\n"
GOOD = "alpha,mmlu,0.7,a paper,,5,native\nalpha,gsm8k,0,a paper,,,\n"


def test_rows_are_stored_with_what_their_source_leaves_open(alpha):
    assert import_published_scores(HEAD + GOOD, "scores.csv") == 2
    first, second = PublishedScore.objects.order_by("-task")
    assert (first.value, first.num_fewshot, first.protocol) == (0.7, 5, "native")
    assert (second.value, second.num_fewshot, second.protocol) == (0.0, None, "")


def test_the_same_source_read_again_replaces_its_values(alpha):
    import_published_scores(HEAD + GOOD, "scores.csv")
    import_published_scores(HEAD + GOOD.replace("0.7", "0.8"), "scores.csv")
    assert sorted(PublishedScore.objects.values_list("value", flat=True)) == [0.0, 0.8]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("alpha,mmlu,,a paper,,,", "lacks value"),
        ("nobody,mmlu,0.7,a paper,,,", "no model 'nobody'"),
        ("alpha,mmlu,high,a paper,,,", "no number"),
        ("alpha,mmlu,0.7,a paper,,many,", "no number of examples"),
        ("alpha,mmlu,0.7,a paper,,,telepathy", "protocol 'telepathy'"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_and_nothing_is_stored(alpha, row, reason):
    with pytest.raises(QuestionFileError, match=reason) as caught:
        import_published_scores(f"{HEAD}{GOOD}{row}\n", "scores.csv")
    assert [error.line for error in caught.value.errors] == [4]
    assert not PublishedScore.objects.exists()


def test_the_command_says_how_many_or_what_is_wrong(alpha, tmp_path, capsys):
    path = tmp_path / "scores.csv"
    path.write_text(HEAD + GOOD)
    call_command("import_published_scores", path)
    assert "2 published scores" in capsys.readouterr().out
    with pytest.raises(CommandError, match="does not exist"):
        call_command("import_published_scores", tmp_path / "nowhere.csv")


def test_published_scores_can_be_edited_in_the_administration(admin_client, alpha):
    url = reverse("admin:benchmarks_publishedscore_add")
    values = {"language_model": alpha.pk, "task": "mmlu", "value": "0.5", "source": "a card"}
    assert admin_client.post(url, values).status_code == 302
    assert PublishedScore.objects.get().source == "a card"
