"""Waiting for what other threads and processes do."""

import time
from collections.abc import Callable


def wait_for(true: Callable[[], bool], timeout_s: float = 10.0) -> float:
    """Poll until it is true; how long that took."""
    started = time.monotonic()
    while not true():
        if time.monotonic() - started > timeout_s:
            raise AssertionError("waited in vain")
        time.sleep(0.01)
    return time.monotonic() - started
