"""What a test does without a service, a program or data it needs."""

import os

import pytest

IS_CI = os.environ.get("CI", "").lower() == "true"


def skip_or_fail(reason):
    """A missing service or folder skips on a developer's machine and fails in CI."""
    if IS_CI:
        pytest.fail(f"{reason} (a skip is a failure under CI=true)")
    pytest.skip(reason)
