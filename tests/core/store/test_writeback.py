import os
import sys
from pathlib import Path

import pytest

from core.store import disk_blobs
from core.store.disk_blobs import DiskBlobs
from core.store.writeback import begin_writeback


def test_the_file_stays_what_it_is(tmp_path: Path) -> None:
    content = os.urandom(disk_blobs._WRITEBACK_BYTES)
    blobs = DiskBlobs(tmp_path)
    with blobs.open_writer("uploads/a") as writer:
        for _ in range(2):  # each is begun
            writer.write(content)
        writer.write(b"end")
    assert (tmp_path / "uploads" / "a").read_bytes() == 2 * content + b"end"


def test_what_has_no_disk_is_left_alone() -> None:
    ends = os.pipe()
    try:
        begin_writeback(ends[1], 0, 1)
    finally:
        for end in ends:
            os.close(end)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the call")
def test_a_failure_is_not_silent() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        begin_writeback(-1, 0, 1)
