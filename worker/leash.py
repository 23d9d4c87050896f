"""Ends this process when the one that started it is gone, however it went."""

import os
import signal
import sys
import threading

LEASH_VARIABLE = "POSELIFT_LEASHED"
"""Set by a parent that holds the other end of our standard input."""


def follow_parent() -> None:
    """Ask ourselves to stop once standard input ends: the parent's death closes it, kill -9 too."""
    if os.environ.get(LEASH_VARIABLE) == "1":
        threading.Thread(target=_wait_for_end, name="leash", daemon=True).start()


def _wait_for_end() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
