"""Plans and targets: checked before anything is sent, stored without secrets."""

import pytest

from speed import targets
from speed.plan import Phase, Plan, PlanError, Target, plan_from_json
from speed.runner import interleaved
from speed.targets import TargetRefusedError, check_allowed, checked_address, origin_of

URL = "http://127.0.0.1:8801/v1/chat/completions"


def plan(**more):
    values = {"requests_path": "r.jsonl", "output_path": "o.stamps"} | more
    return Plan([Target(URL)], [Phase("level", requests=1)], **values)


def test_a_plan_survives_its_journey_as_json():
    original = plan(seed=5, labels={"model": "alpha"})

    assert plan_from_json(original.to_json()) == original


@pytest.mark.parametrize(
    ("phase", "word"),
    [
        ({}, "never ends"),
        ({"requests": 0}, "too few"),
        ({"duration_s": 1e9}, "duration"),
        ({"requests": 1, "concurrency": 0}, "concurrency 0"),
        ({"requests": 1, "load": "open", "rate": 1e9}, "rate"),
        ({"requests": 1, "load": "open", "rate": 1, "distribution": "gamma", "burstiness": 0}, "b"),
        ({"load": "trace"}, "offsets_s"),
        ({"load": "trace", "offsets_s": [2, 1]}, "ascending"),
        ({"requests": 1, "warmup_s": -1}, "negative"),
        ({"requests": 1, "max_in_flight": 0}, "max_in_flight"),
    ],
)
def test_a_phase_that_cannot_be_run_is_refused_with_its_reason(phase, word):
    with pytest.raises(PlanError, match=word):
        Phase("level", **phase)


def test_a_field_nobody_knows_is_named():
    with pytest.raises(PlanError, match="speling"):
        plan_from_json(plan().to_json() | {"speling": 1})


def test_a_missing_field_is_named():
    with pytest.raises(PlanError, match="output_path"):
        plan_from_json({"targets": [{"url": URL}], "phases": [], "requests_path": "r"})


def test_a_phase_must_name_an_existing_target():
    with pytest.raises(PlanError, match="target 3"):
        Plan([Target(URL)], [Phase("p", requests=1, target=3)], "r", "o")


def test_a_header_cannot_smuggle_another_one():
    with pytest.raises(PlanError, match="line break"):
        Target(URL, headers={"X-A": "b\r\nEvil: 1"})


def test_the_stored_plan_holds_no_secret():
    secret = Target(
        "http://user:pa55@127.0.0.1:1/v1?key=abc",
        headers={"Authorization": "Bearer sk-1", "X-Goog-Api-Key": "sk-2", "X-Team": "blue"},
    )

    stored = str(Plan([secret], [Phase("p", requests=1)], "r", "o").public_json())

    assert not any(word in stored for word in ("sk-1", "sk-2", "pa55", "abc"))
    assert "blue" in stored


def test_interleaved_turns_swap_their_order():
    a, b = Phase("a", requests=5), Phase("b", requests=5)

    assert [phase.target for phase in interleaved(a, b, 3)] == [0, 1, 1, 0, 0, 1]


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "metadata.google.internal",
        "100.100.100.200",
        "[fd00:ec2::254]",
        "[::ffff:169.254.169.254]",
        "[fe80::1]",
        "0.0.0.0",
    ],
)
def test_metadata_addresses_are_refused_even_when_listed(host):
    url = f"http://{host}/v1"

    with pytest.raises(TargetRefusedError):
        check_allowed(url, {origin_of(url)})


def test_a_name_that_points_to_a_metadata_address_is_refused(monkeypatch):
    monkeypatch.setattr(targets, "resolve", lambda host, port: [(2, "169.254.169.254")])

    with pytest.raises(TargetRefusedError, match="innocent"):
        checked_address("innocent.example", 80)


def test_loopback_is_allowed_without_being_listed():
    assert check_allowed(URL, set()) == "127.0.0.1"


def test_other_hosts_must_be_registered(monkeypatch):
    monkeypatch.setattr(targets, "resolve", lambda host, port: [(2, "192.0.2.7")])

    with pytest.raises(TargetRefusedError, match="register"):
        check_allowed("https://api.example/v1", set())
    assert check_allowed("https://api.example/v1", {"https://api.example:443"}) == "192.0.2.7"


def test_an_unknown_host_is_named(monkeypatch):
    def fail(*_args, **_kwargs):
        raise OSError("no such host")

    monkeypatch.setattr(targets.socket, "getaddrinfo", fail)

    with pytest.raises(TargetRefusedError, match=r"nowhere\.invalid"):
        checked_address("nowhere.invalid", 80)
