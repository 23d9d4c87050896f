import os
import sys
from pathlib import Path

import pytest

from core.store import disk_blobs
from core.store.disk_blobs import DiskBlobs
from core.store.writeback import begin_writeback, let_go


def test_the_file_stays_what_it_is(tmp_path: Path) -> None:
    content = os.urandom(disk_blobs._WRITEBACK_BYTES)
    blobs = DiskBlobs(tmp_path)
    with blobs.open_writer("uploads/a") as writer:
        for _ in range(4):  # each is begun, and the first let go of
            writer.write(content)
        writer.write(b"end")
    assert (tmp_path / "uploads" / "a").read_bytes() == 4 * content + b"end"


def test_what_is_let_go_of_has_had_time_to_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts: list[tuple[int, int, int]] = []

    def note(_: int, start: int, size_bytes: int) -> None:
        parts.append((start, start + size_bytes, writer.facts.size_bytes))

    monkeypatch.setattr(disk_blobs, "let_go", note)
    piece = bytes(disk_blobs._WRITEBACK_BYTES // 4 + 1)
    with DiskBlobs(tmp_path).open_writer("uploads/a") as writer:
        for _ in range(32):
            writer.write(piece)
    assert len(parts) > 3
    assert [start for start, _, _ in parts] == [0, *(end for _, end, _ in parts[:-1])]
    assert all(end + disk_blobs._UNDER_WAY_BYTES <= kept + len(piece) for _, end, kept in parts)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the call")
def test_memory_forgets_what_it_let_go_of(tmp_path: Path) -> None:
    size_bytes = 16 << 20  # systems keep pages in groups, and a group whole or not at all
    with (tmp_path / "file").open("wb+", buffering=0) as file:
        file.write(os.urandom(size_bytes))
        os.fsync(file.fileno())
        if not is_in_memory(file.fileno(), 0):
            pytest.skip("this file system does not tell")
        let_go(file.fileno(), 0, size_bytes // 2)
        assert not is_in_memory(file.fileno(), 0)
        assert is_in_memory(file.fileno(), size_bytes - 1)


def is_in_memory(file: int, start: int) -> bool:
    try:
        return os.preadv(file, [bytearray(1)], start, os.RWF_NOWAIT) == 1
    except OSError:
        return False


def test_what_has_no_disk_is_left_alone() -> None:
    ends = os.pipe()
    try:
        begin_writeback(ends[1], 0, 1)
        let_go(ends[1], 0, 1)
    finally:
        for end in ends:
            os.close(end)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the call")
def test_a_failure_is_not_silent() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        begin_writeback(-1, 0, 1)
