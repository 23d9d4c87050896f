"""Waiting for what other threads and processes do."""

import time
from collections.abc import Callable

PATIENCE_S = 60.0
"""For a machine that is busy with other things; waiting ends as soon as it can."""


def wait_for(true: Callable[[], bool], timeout_s: float = PATIENCE_S) -> float:
    """Poll until it is true; how long that took."""
    started = time.monotonic()
    while not true():
        if time.monotonic() - started > timeout_s:
            raise AssertionError("waited in vain")
        time.sleep(0.01)
    return time.monotonic() - started
