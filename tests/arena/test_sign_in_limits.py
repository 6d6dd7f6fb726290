"""Guessing a password."""

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client

from arena.sign_in_limits import FAILURES_PER_ADDRESS, FAILURES_PER_NAME

pytestmark = pytest.mark.django_db
HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture(autouse=True)
def _nothing_counted():
    cache.clear()


@pytest.fixture(autouse=True)
def alice(db):
    return get_user_model().objects.create_user("alice", password="right", is_staff=True)


def sign_in(name, password, *, address=HERE, door="/login/"):
    sent = {"username": name, "password": password}
    return Client(REMOTE_ADDR=address).post(door, sent)


@pytest.mark.parametrize("door", ["/login/", "/admin/login/"])
def test_a_name_has_to_wait_after_so_many_failures(door):
    for _ in range(FAILURES_PER_NAME):
        assert "Too many" not in sign_in("alice", "wrong", door=door).text
    refused = sign_in("Alice", "right", door=door)
    assert refused.status_code == 200
    assert "Too many failed attempts. Try again in five minutes." in refused.text


def test_nobody_can_lock_somebody_else_out():
    for _ in range(FAILURES_PER_NAME + 1):
        sign_in("alice", "wrong", address=ELSEWHERE)
    assert sign_in("alice", "right").status_code == 302


def test_a_success_forgets_the_failures_before():
    for _ in range(FAILURES_PER_NAME - 1):
        sign_in("alice", "wrong")
    assert sign_in("alice", "right").status_code == 302
    sign_in("alice", "wrong")
    assert sign_in("alice", "right").status_code == 302


def test_an_address_has_to_wait_that_tries_one_name_after_the_other():
    for number in range(FAILURES_PER_ADDRESS):
        sign_in(f"name{number}", "wrong")
    assert "Too many" in sign_in("alice", "right").text
    assert sign_in("alice", "right", address=ELSEWHERE).status_code == 302
