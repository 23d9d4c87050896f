"""Memory that two processes share."""

import os

import pytest

from core.box.memory import as_file, mapped, shared_memory


def test_shared_memory_cannot_be_cut_off():
    """Whoever reads behind the end of what was cut off is killed."""
    descriptor = shared_memory()
    try:
        with mapped(descriptor) as memory:
            memory[0] = 1
        if hasattr(os, "memfd_create"):
            with pytest.raises(PermissionError):
                os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def test_a_file_in_memory_holds_what_was_given_and_stays_so():
    content = os.urandom(3 << 20)
    with as_file(content) as descriptor:
        assert os.pread(descriptor, len(content) + 1, 0) == content
        if hasattr(os, "memfd_create"):
            with pytest.raises(PermissionError):
                os.pwrite(descriptor, b"x", 0)
            with pytest.raises(PermissionError):
                os.ftruncate(descriptor, 0)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.pread(descriptor, 1, 0)
