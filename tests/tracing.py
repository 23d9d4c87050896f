"""Memory as Python and numpy ask for it: what the system makes of that depends on everybody."""

import gc
import tracemalloc
from collections.abc import Iterator
from types import ModuleType

import pytest


@pytest.fixture
def traced() -> Iterator[ModuleType]:
    """``tracemalloc``, at work; mapped files and what C code asks for do not count."""
    gc.collect()
    already = tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        yield tracemalloc
    finally:
        if not already:
            tracemalloc.stop()
