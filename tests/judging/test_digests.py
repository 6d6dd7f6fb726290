from hashlib import sha256

import pytest

from judging.digests import HELD_BYTES, sha256_hex


@pytest.mark.parametrize("length", [0, 1, HELD_BYTES, HELD_BYTES + 1, 3 * HELD_BYTES, 10_000])
def test_a_digest_is_the_plain_sha256_whatever_the_length(length):
    content = bytes(number % 251 for number in range(length))
    assert sha256_hex(content) == sha256(content).hexdigest()
