"""Tasks that most judging tests start from."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from judging.task import JudgingTask
from judging.verdicts import Mode

PAIR = JudgingTask(
    mode=Mode.PAIRWISE,
    questions=("Name a prime.", "Name a larger one."),
    answers_a=("Two.", "Three."),
    answers_b=("Seven is a prime.", "Eleven is larger."),
    question_key="q1",
    model_a="alpha",
    model_b="beta",
    language="en",
    turn=1,
)
SINGLE = replace(PAIR, mode=Mode.SINGLE, answers_b=(), model_b="")


@pytest.fixture
def pair() -> Callable[..., JudgingTask]:
    """A pairwise task about the first turn, with changes by keyword."""
    return lambda **changes: replace(PAIR, **changes)


@pytest.fixture
def single() -> Callable[..., JudgingTask]:
    """A single-score task about the first turn, with changes by keyword."""
    return lambda **changes: replace(SINGLE, **changes)


@pytest.fixture
def served():
    """A real server of models that answer and judge; ``served.reply`` may replace the judging."""
    from tests.judging.served_judge import ServedModels
    from tests.openai_server import run_in_thread

    with run_in_thread(ServedModels(reply=None)) as server:
        yield server


@pytest.fixture
def endpoint(db, served):
    from arena.models import Endpoint

    return Endpoint.objects.create(
        slug="served",
        base_url=served.url,
        api_key="test",
        max_concurrency=8,
        max_attempts=2,
        timeout_s=120,
        settings={"longest_wait_s": 0.05, "circuit_threshold": 1000},
    )


@pytest.fixture
def referee(make_model, endpoint):
    """The model that the chat judge asks: a dollar per million tokens in, two out."""
    return make_model("referee", endpoint=endpoint, price_in_per_mtok=1, price_out_per_mtok=2)


@pytest.fixture
def chat_judge(referee):
    from judging.services.judges import create_judge

    return create_judge(slug="chat", kind="chat", language_model=referee)


@pytest.fixture
def length_judge(db):
    from judging.services.judges import create_judge

    return create_judge(slug="longest", kind="length_preferring")


@pytest.fixture
def two_turns(db):
    """A question with two turns in a set of its own."""
    from arena.models import Question, QuestionSet

    chosen = QuestionSet.objects.create(slug="two", name="Two turns")
    Question.objects.create(
        question_set=chosen,
        external_id="t1",
        turns=[[{"type": "text", "text": text}] for text in ("First?", "Second?")],
        category="writing",
        language="en",
    )
    return chosen


@pytest.fixture
def answered(question_set, alpha, beta, gamma, make_answer):
    """Three models that have answered all six questions, the longer the better named."""
    lengths = {alpha: 30, beta: 20, gamma: 10}
    for question in question_set.questions.all():
        for model, words in lengths.items():
            make_answer(model, question, f"{model.slug} {question.external_id} " + "word " * words)
    return question_set


@pytest.fixture
def spec(answered, alpha, beta, gamma, length_judge):
    """A run of the offline judge over all pairs, with changes by keyword."""
    from judging.models import JudgeRunMode
    from judging.services.ledger import JudgeRunSpec

    def make(**changes):
        return JudgeRunSpec(
            **{
                "judge": length_judge,
                "mode": JudgeRunMode.PAIRS,
                "question_set": answered,
                "language_models": (alpha, beta, gamma),
                **changes,
            }
        )

    return make


@pytest.fixture
def decide(monkeypatch):
    """Create a run and drive it in this process until nothing is left."""
    from arena.services.driving import drive_run_chunk
    from arena.work.dispatch import DriveOptions
    from judging.services.judge_runs import start_judge_run

    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *_: None)
    fast = DriveOptions(poll_s=0.02, retry_base_s=0.0, retry_cap_s=0.0)

    def drive(spec, options=fast):
        run = start_judge_run(spec)
        drive_run_chunk("judging", run.pk, options=options)
        run.refresh_from_db()
        return run

    return drive


@pytest.fixture
def batches(monkeypatch):
    """A server with a Batch API, whose batches are in progress until it is told to finish them."""
    from tests.batch_server import BatchServer
    from tests.judging.served_judge import verdict_by_length
    from tests.openai_server import run_in_thread

    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *_: None)
    monkeypatch.setattr("judging.batch_desk.COLLECT_S", 0.05)

    def reply(messages):
        return verdict_by_length(messages[-1]["content"])

    with run_in_thread(BatchServer(reply=reply)) as server:
        server.state = "in_progress"
        yield server


@pytest.fixture
def batched(spec, chat_judge, endpoint, batches):
    """A run of six questions' pairs through the batch server."""
    endpoint.base_url = batches.url
    endpoint.settings |= {"batch_poll_s": 3600}
    endpoint.save()

    def make(**changes):
        settings = {"batch": True} | changes.pop("settings", {})
        return spec(**{"judge": chat_judge, "settings": settings, **changes})

    return make


@pytest.fixture
def chunk():
    """A worker comes by after the time between two looks at a batch is over."""
    from arena.services.driving import drive_run_chunk
    from arena.work.dispatch import DriveOptions

    fast = DriveOptions(poll_s=0.02, retry_base_s=0.0, retry_cap_s=0.0, wait_s=0.0)

    def work(run):
        run.judgments.update(not_before=None)
        drive_run_chunk("judging", run.pk, options=fast)
        run.refresh_from_db()
        return run

    return work
