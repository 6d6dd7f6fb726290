"""Passwords of test users, hashed once instead of a million times."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    """Writes hashes that the ordinary hasher, in a server of its own process, can check."""

    iterations = 1
