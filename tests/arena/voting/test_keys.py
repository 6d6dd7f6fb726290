"""One subscriber is one address, however many a network gives them."""

import pytest

from arena.voting.keys import address_key

pytestmark = pytest.mark.one_round


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),
        ("2001:DB8:1:2:0:0:0:1", "2001:db8:1:2::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::2"),
    ],
)
def test_addresses_of_one_subscriber_have_one_key(one, other):
    assert address_key(one) == address_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("2001:db8:1:2::1", "2001:db8:1:3::1"), ("192.0.2.1", "192.0.2.2"), ("unix:", "192.0.2.1")],
)
def test_addresses_of_two_subscribers_have_two_keys(one, other):
    assert address_key(one) != address_key(other)


def test_an_unknown_address_has_no_key():
    assert address_key("") == ""
