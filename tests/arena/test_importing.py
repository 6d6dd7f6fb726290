"""Files into rows: all or nothing, once, and with every refusal explained."""

import json

import pytest
from django.db import IntegrityError

from arena.importing import import_files, importer
from arena.importing.language_models import LICENSE_ALIASES, license_named
from arena.models import Answer, Battle, LanguageModel, Question, QuestionSet, Vote, Voter
from registry import UnknownPartError
from tests.arena.dialects.samples import CLEAN_BATTLE, SAMPLES

pytestmark = pytest.mark.django_db
TABLES = (LanguageModel, QuestionSet, Question, Answer, Battle, Vote, Voter)


def counts():
    return {table.__name__: table.objects.count() for table in TABLES}


@pytest.fixture
def write(tmp_path):
    def write_rows(name, rows):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write_rows


@pytest.fixture
def battles(write):
    def write_battles(*changes, name="battles.jsonl"):
        return write(name, [{**CLEAN_BATTLE, **change} for change in changes])

    return write_battles


QUESTION = SAMPLES["mt_bench_questions"][0]
ANSWER = SAMPLES["mt_bench_answers"][0]


def test_questions_go_into_the_set_of_their_format(write):
    import_files([write("q.jsonl", [QUESTION])])
    question = Question.objects.get()
    assert (question.question_set.slug, question.external_id) == ("mt-bench", "81")
    assert question.turn_texts == ["Name a prime.", "Another?"]


def test_questions_go_into_the_set_asked_for(write):
    import_files([write("q.jsonl", [QUESTION])], question_set="My Primes")
    assert Question.objects.get().question_set.slug == "My-Primes"


def test_files_are_imported_in_the_order_in_which_they_point_at_each_other(write):
    answers = write("a.jsonl", [ANSWER])
    report = import_files([answers, write("q.jsonl", [QUESTION])])
    assert report.is_complete
    assert [a.sample_index for a in Answer.objects.order_by("id")] == [0, 1]


def test_an_answer_to_an_unknown_question_says_what_to_import_first(write):
    report = import_files([write("a.jsonl", [ANSWER])])
    bad = report.files[0].bad_rows[0]
    assert (bad.place.line, bad.field, bad.value) == (1, "question_id", "81")
    assert "import its questions first" in bad.remedy
    assert counts()["Answer"] == 0


def test_a_refused_file_leaves_not_even_a_model_or_a_set_behind(write):
    import_files([write("a.jsonl", [ANSWER])])
    assert set(counts().values()) == {0}


@pytest.mark.parametrize("name", ["mt_bench_questions", "fastchat_battles", "arena_140k"])
def test_importing_twice_changes_nothing(write, name):
    path = write("rows.jsonl", SAMPLES[name])
    import_files([path])
    before = counts()
    report = import_files([path])
    assert counts() == before
    assert report.stored.total() == 0
    assert report.already_there.total() == len(SAMPLES[name])


def test_by_default_nothing_of_a_bad_file_is_stored(battles):
    report = import_files([battles({}, {"winner": "nobody"})])
    assert not report.is_complete
    assert report.stored.total() == 0
    assert set(counts().values()) == {0}


def test_skip_bad_stores_the_rest_and_lists_what_was_skipped(battles):
    report = import_files([battles({}, {"winner": "nobody"})], skip_bad=True)
    assert report.is_complete
    assert report.stored["battle"] == 1
    assert str(report.files[0].bad_rows[0]) == (
        "battles.jsonl:2: field winner: 'nobody': unknown winner; write one of: model_a, model_1, "
        "a, model_b, model_2, b, tie, draw, tie (inconsistent), both_bad, bothbad, both bad, "
        "tie (bothbad), tie (both_bad), tie(bothbad)"
    )


def test_a_bad_file_does_not_keep_a_good_one_out(battles, write):
    report = import_files([battles({"winner": "nobody"}), write("q.jsonl", [QUESTION])])
    assert [file.is_stored for file in report.files] == [False, True]
    assert Question.objects.count() == 1


def test_a_dry_run_reports_and_stores_nothing(write):
    report = import_files([write("q.jsonl", [QUESTION])], is_dry_run=True)
    assert report.stored["question"] == 1
    assert set(counts().values()) == {0}


def test_a_file_of_no_known_format_is_an_error_of_the_file(write):
    report = import_files([write("odd.jsonl", [{"colour": "red"}])])
    assert "no known format" in report.files[0].error
    assert not report.is_complete


def test_a_file_without_one_readable_row_reports_its_first(tmp_path):
    path = tmp_path / "broken.jsonl"
    path.write_text("{broken\n{also\n")
    report = import_files([path])
    assert report.files[0].bad_rows[0].place.line == 1


def test_a_format_can_be_forced(write):
    path = write("answers.jsonl", SAMPLES["mt_bench_reference_answers"])
    import_files([write("q.jsonl", [{**QUESTION, "question_id": 101}])])
    import_files([path], format="mt_bench_reference_answers")
    assert Question.objects.get().references == ["2", "3"]


def test_a_format_that_does_not_exist_lists_those_that_do(write):
    with pytest.raises(UnknownPartError, match="fastchat_battles"):
        import_files([write("q.jsonl", [QUESTION])], format="nonsense")


def test_another_text_under_a_known_id_is_refused(write):
    import_files([write("q.jsonl", [QUESTION])])
    report = import_files([write("q2.jsonl", [{**QUESTION, "turns": ["Other?", "More?"]}])])
    assert "another text under this id" in report.files[0].bad_rows[0].remedy


def test_another_answer_of_the_same_model_is_refused(write):
    import_files([write("q.jsonl", [QUESTION]), write("a.jsonl", [ANSWER])])
    other = {**ANSWER, "choices": [{"index": 0, "turns": ["11", "13"]}]}
    report = import_files([write("a2.jsonl", [other])])
    assert "another answer of this model" in report.files[0].bad_rows[0].remedy


def test_a_second_reference_answer_is_refused(write):
    row = SAMPLES["mt_bench_reference_answers"][0]
    import_files([write("q.jsonl", [{**QUESTION, "question_id": 101}])])
    import_files([write("reference_answer/gpt-4.jsonl", [row])])
    other = {**row, "choices": [{"index": 0, "turns": ["5", "7"]}]}
    report = import_files([write("reference_answer/other.jsonl", [other])])
    assert "another reference answer" in report.files[0].bad_rows[0].remedy


def test_queries_without_an_id_are_known_by_their_text(write):
    path = write("queries.jsonl", SAMPLES["evalscope_queries"])
    import_files([path, path])
    assert Question.objects.count() == 2
    assert Question.objects.first().references == ["2"]


def test_a_battle_brings_its_question_answers_and_vote(battles):
    import_files([battles({})])
    battle = Battle.objects.get()
    vote = battle.votes.get()
    assert battle.question.turn_texts == ["Name a prime.", "Another?"]
    assert (battle.answer_a.turns, battle.answer_b.turns) == (["2", "3"], ["4", "6"])
    assert (battle.origin, battle.turn_count, battle.language) == ("imported", 2, "en")
    assert (vote.outcome, vote.source, vote.voter.key) == ("both_bad", "imported", "arena_user_7")
    assert vote.created_at.timestamp() == CLEAN_BATTLE["tstamp"]


def test_answers_of_battles_stay_out_of_the_answer_set(battles):
    import_files([battles({})])
    assert {answer.sample_index for answer in Answer.objects.all()} == {None}
    assert Answer.objects.first().style["characters"] == 2


def test_equal_questions_and_answers_of_many_battles_are_stored_once(battles):
    import_files([battles({}, {"question_id": "x", "judge": "arena_user_8"})])
    assert counts() | {"QuestionSet": 1} == {
        "LanguageModel": 2,
        "QuestionSet": 1,
        "Question": 1,
        "Answer": 2,
        "Battle": 2,
        "Vote": 2,
        "Voter": 2,
    }


def test_an_equal_row_further_down_is_already_there(battles):
    report = import_files([battles({}, {})])
    assert (report.stored["battle"], report.already_there["battle"]) == (1, 1)
    assert Vote.objects.count() == 1


def test_two_experts_vote_on_one_battle(write):
    row = SAMPLES["mt_bench_human"][0]
    report = import_files([write("human.jsonl", [row, {**row, "judge": "expert_9"}])])
    assert (Battle.objects.count(), Vote.objects.count()) == (1, 2)
    assert report.stored["battle"] == 2
    assert Voter.objects.filter(is_expert=True).count() == 2


def test_a_voters_second_vote_on_a_battle_is_kept_and_not_counted(write):
    row = SAMPLES["mt_bench_human"][0]
    import_files([write("human.jsonl", [row, {**row, "winner": "model_a"}])])
    first, second = Vote.objects.order_by("id")
    assert (first.exclusion, second.exclusion) == ("", "duplicate")
    assert second.voter is None


def test_an_address_is_stored_only_as_a_keyed_hash(write, settings):
    path = write("2024-01-01-conv.json", SAMPLES["fastchat_log"])
    report = import_files([path])
    key = Voter.objects.get().key
    assert "10.0.0.1" not in key
    assert report.files[0].ignored.total() == 1
    settings.SECRET_KEY = "another"
    Vote.objects.all().delete()
    Battle.objects.all().delete()
    import_files([path])
    assert Voter.objects.exclude(key=key).exists()


def test_a_named_battle_is_stored_with_its_reason(battles):
    import_files([battles({"anony": False})])
    assert Battle.objects.get().exclusion == "named"
    assert not Vote.objects.counted().exists()


def test_battles_without_texts_are_stored_without_question(battles, write):
    row = {key: value for key, value in CLEAN_BATTLE.items() if "conversation" not in key}
    import_files([write("simple.jsonl", [row])])
    battle = Battle.objects.get()
    assert (battle.question, battle.answer_a) == (None, None)
    assert battle.metadata == {"external_id": "a1b2"}


@pytest.mark.parametrize("name", ["gpt-3.5-turbo", "Qwen2.5-7B_Instruct", "qwen2.5:7b"])
def test_a_model_keeps_the_name_that_its_file_gives_it(battles, name):
    import_files([battles({"model_a": name})])
    assert LanguageModel.objects.filter(slug=name, display_name=name).exists()


@pytest.mark.parametrize("spelling", ["meta-llama/Llama-3", "meta-llama Llama-3"])
def test_separators_that_an_address_cannot_hold_become_hyphens(battles, spelling):
    import_files([battles({"model_a": spelling})])
    assert LanguageModel.objects.filter(slug="meta-llama-Llama-3").exists()


def test_names_that_differ_in_more_than_separators_are_two_models(battles):
    import_files([battles({"model_a": "m+1"}, {"model_a": "m-1"}, {"model_a": "m_1"})])
    assert LanguageModel.objects.count() == 4


def test_one_model_under_two_spellings_cannot_battle_itself(battles):
    report = import_files([battles({"model_a": "org/beta", "model_b": "org beta"})])
    assert "cannot battle itself" in report.files[0].bad_rows[0].remedy


def test_a_model_somebody_made_under_a_slug_is_found_by_it(battles, make_model):
    made = make_model("My_Model")
    import_files([battles({"model_a": "My_Model"})])
    assert Battle.objects.get().model_a == made


def test_a_model_table_fills_in_what_is_empty_and_overwrites_nothing(write, make_model):
    make_model("alpha", display_name="Our Alpha", organisation="")
    path = write("table.jsonl", SAMPLES["fastchat_models"])
    import_files([path])
    model = LanguageModel.objects.get()
    assert (model.display_name, model.organisation) == ("Our Alpha", "Example")
    assert model.license.spdx_id == "Apache-2.0"


def test_a_licence_nobody_knows_is_kept_under_its_own_name(write):
    row = {**SAMPLES["fastchat_models"][0], "License": "Odd Terms"}
    import_files([write("table.jsonl", [row])])
    license = LanguageModel.objects.get().license
    assert (license.spdx_id, license.name) == ("LicenseRef-Odd-Terms", "Odd Terms")
    assert license.commercial_use == "unknown"


@pytest.mark.parametrize("spelling", LICENSE_ALIASES)
def test_a_licence_as_model_tables_spell_it_is_a_shipped_one(spelling, db):
    assert license_named(spelling.title()).commercial_use != "unknown"


def test_a_link_that_is_no_web_address_is_refused(write):
    row = {**SAMPLES["fastchat_models"][0], "Link": "javascript:alert(1)"}
    report = import_files([write("table.jsonl", [row])])
    assert (report.files[0].bad_rows[0].field, LanguageModel.objects.count()) == ("url", 0)


@pytest.mark.parametrize("length", [80, 81])
def test_a_text_longer_than_its_column_is_refused_on_every_database(write, length):
    report = import_files([write("q.jsonl", [{**QUESTION, "category": "x" * length}])])
    assert report.is_complete == (length == 80)
    if not report.is_complete:
        assert "at most 80 can be stored" in report.files[0].bad_rows[0].remedy


def test_a_reason_that_does_not_exist_is_refused(write):
    row = {"record": "battle", "model_a": "a", "model_b": "b", "exclusion": "dull"}
    report = import_files([write("rows.jsonl", [row])])
    assert "identity_leak" in report.files[0].bad_rows[0].remedy


def test_a_row_the_database_refuses_keeps_the_file_out_with_its_reason(write, monkeypatch):
    def refuse(*_):
        raise IntegrityError("UNIQUE constraint failed")

    monkeypatch.setattr("arena.importing.questions.insert_rows", refuse)
    report = import_files([write("q.jsonl", [QUESTION])])
    assert "the database refused a row" in report.files[0].error
    assert not report.is_complete


def test_more_rows_than_one_batch_are_all_stored(battles, monkeypatch):
    monkeypatch.setattr("arena.importing.importer.BATCH", 3)
    import_files([battles(*({"question_id": f"b{n}"} for n in range(10)))])
    assert (Battle.objects.count(), Vote.objects.count()) == (10, 10)


def test_an_import_broken_off_half_way_leaves_nothing_and_can_be_repeated(battles, monkeypatch):
    path = battles(*({"question_id": f"b{n}"} for n in range(10)))
    monkeypatch.setattr("arena.importing.importer.BATCH", 3)
    store, calls = importer.sink_of, []

    def break_off(record):
        calls.append(record)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return store(record)

    monkeypatch.setattr(importer, "sink_of", break_off)
    with pytest.raises(KeyboardInterrupt):
        import_files([path])
    monkeypatch.setattr(importer, "sink_of", store)
    assert set(counts().values()) == {0}
    assert import_files([path]).stored["battle"] == 10


def test_rows_made_before_and_after_an_import_get_ids_of_their_own(battles, question_set, alpha):
    import_files([battles({})])
    later = Question.objects.create(question_set=question_set, external_id="later", turns=[])
    assert Question.objects.filter(pk=later.pk).count() == 1
    import_files([battles({"conversation_a": None, "conversation_b": None, "tstamp": 9})])
    assert Battle.objects.count() == 2


def test_the_queries_of_an_import_do_not_grow_with_its_rows(battles, django_assert_max_num_queries):
    small = battles(*({"question_id": f"a{n}"} for n in range(3)), name="small.jsonl")
    large = battles(*({"question_id": f"b{n}"} for n in range(300)), name="large.jsonl")
    with django_assert_max_num_queries(40):
        import_files([small])
    with django_assert_max_num_queries(40):
        import_files([large])
