"""Keeps the start-up chatter of MediaPipe and LiteRT off the terminal, and swallows nothing else.

The native libraries write to file descriptor 2 themselves, offer no switch, and say the same
harmless lines each time a landmarker or an interpreter is made. They would tear progress bars and
fill a worker's log.
"""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2
_HARMLESS = (
    b"Created TensorFlow Lite XNNPACK delegate for CPU",
    b"Logging before InitGoogle() is written to STDERR",
    b"Feedback manager requires a model with a single signature inference",
    b"Using NORM_RECT without IMAGE_DIMENSIONS is only supported for the square ROI",
    b"has an unaligned buffer",  # bundles we did not assemble
)
_one_at_a_time = threading.Lock()


@contextmanager
def quiet_native_log() -> Iterator[None]:
    """Hold back what is written to standard error, and let go of all but the harmless lines.

    Affects the whole process for as long as the block runs, so keep it short.
    """
    with _one_at_a_time, tempfile.TemporaryFile() as held:
        try:
            stderr = os.dup(_STDERR)
        except OSError:  # closed, as some process supervisors have it: nobody listens
            yield
            return
        os.dup2(held.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(stderr, _STDERR)
            os.close(stderr)
            held.seek(0)
            for line in held:
                if not any(known in line for known in _HARMLESS):
                    os.write(_STDERR, line)
