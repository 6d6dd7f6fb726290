"""Hashing prompts in a thread beside a busy event loop."""

from hashlib import sha256

HELD_BYTES = 2_047  # for more at once hashlib lets go of the interpreter (HASHLIB_GIL_MINSIZE)


def sha256_hex(content: bytes) -> str:
    """The SHA-256 of ``content`` in hexadecimal digits, without letting go of the interpreter.

    To get it back from the event loop's thread takes up to 5 ms, to hash a prompt a few
    microseconds.
    """
    hashed = sha256()
    for start in range(0, len(content), HELD_BYTES):
        hashed.update(content[start : start + HELD_BYTES])
    return hashed.hexdigest()
