"""Writes a result as it grows: memory stays flat, and nobody ever sees half a file."""

import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EDQUOT, EFBIG, EISDIR, ENOSPC
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np

from core.chunks import PoseChunk
from core.errors import StorageFull
from core.results.manifest import Manifest
from core.results.npz import write_array, write_member
from core.results.schema import (
    CONFIDENCE,
    INDEX_DTYPE,
    JOINTS,
    KEYPOINTS,
    OBSERVED,
    PERSON_FIELDS,
    SIGMA,
    TIME_DTYPE,
    PersonField,
)
from core.skeleton import BODY, KEYPOINT_NAMES

SCRATCH_SUFFIX = ".parts"

_BLOCK_BYTES = 1 << 20
_PADDING_FRAMES = 4096


class ResultWriter:
    """Spools chunks to a scratch folder, and assembles the ``.npz`` from it in the end.

    The result has a row for every slot that ever held a person, in order of slots; the others take
    no room. Equal frames give equal bytes, however they were cut into chunks.

    Use it as a context manager: leaving it removes the scratch folder. After a crash
    ``NAME.parts`` is left behind; it is worthless and may be deleted.

    Args:
        target: the file to write; its folder is created if it is missing.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._scratch = target.with_name(target.name + SCRATCH_SUFFIX)
        self._spools: dict[str, IO[bytes]] = {}
        self._slots: set[int] = set()
        self._persons: int | None = None
        self._last_s = -np.inf
        self.frames = 0

    def __enter__(self) -> Self:
        if self._target.is_dir():  # found out only in the end otherwise
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR), str(self._target))
        with _storage_full_explained():
            shutil.rmtree(self._scratch, ignore_errors=True)  # of a writer that crashed
            self._scratch.mkdir(parents=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for spool in self._spools.values():
            with suppress(OSError):  # closing flushes, and there may be no room
                spool.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def append(self, chunk: PoseChunk) -> None:
        """Add the next frames.

        Raises:
            StorageFull: the disk is full; the writer is of no use any more.
            ValueError: times do not increase, or the number of slots has changed.
        """
        track = chunk.track
        self._check(chunk)
        with _storage_full_explained():
            self._spool("frame_time_s").write(track.frame_time_s.astype(TIME_DTYPE).tobytes())
            self._spool("frame_index").write(track.frame_index.astype(INDEX_DTYPE).tobytes())
            for slot in np.flatnonzero(track.present.any(axis=1)).tolist():
                if slot not in self._slots:
                    self._slots.add(slot)
                    self._pad(slot, self.frames)
            for slot in self._slots:
                for field, values in _person_values(chunk):
                    self._person_spool(field, slot).write(
                        values[slot].astype(field.dtype, copy=False).tobytes()
                    )
        self.frames += len(chunk)

    @property
    def track_id(self) -> list[int]:
        """The slots that have held a person so far: the rows of the result."""
        return sorted(self._slots)

    def finish(self, manifest: Manifest) -> Path:
        """Assemble the result, put it in place in one step, and return its path.

        Raises:
            StorageFull: the disk is full; nothing is left in place.
        """
        unfinished = self._scratch / "assembled"
        with _storage_full_explained():
            for spool in self._spools.values():
                spool.close()
            with unfinished.open("wb") as file:
                self._assemble(file, manifest)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._target)
            _sync_folder(self._target.parent)
        return self._target

    def _assemble(self, file: IO[bytes], manifest: Manifest) -> None:
        slots = self.track_id
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for field in PERSON_FIELDS:
                paths = [self._path(_person_name(field, slot)) for slot in slots]
                shape = (len(slots), self.frames, *field.shape)
                write_member(archive, field.name, field.dtype, shape, _drained(paths))
            for name, dtype in (("frame_time_s", TIME_DTYPE), ("frame_index", INDEX_DTYPE)):
                blocks = _drained([self._path(name)] if name in self._spools else [])
                write_member(archive, name, dtype, (self.frames,), blocks)
            write_array(archive, "track_id", np.array(slots, INDEX_DTYPE))
            write_array(archive, "joint_names", np.array(BODY.names))
            write_array(archive, "keypoint_names", np.array(KEYPOINT_NAMES))
            write_array(archive, "parents", np.array(BODY.parents, INDEX_DTYPE))
            write_array(archive, "manifest", np.array(manifest.model_dump_json()))

    def _check(self, chunk: PoseChunk) -> None:
        times_s = np.concatenate([[self._last_s], chunk.track.frame_time_s])
        if not (np.diff(times_s) > 0).all():
            raise ValueError("frame times must increase from frame to frame and chunk to chunk")
        if self._persons not in (None, chunk.track.persons):
            raise ValueError(f"{chunk.track.persons} slots instead of {self._persons}")
        self._persons, self._last_s = chunk.track.persons, times_s[-1]

    def _pad(self, slot: int, frames: int) -> None:
        """Somebody enters after so many frames: before, they were absent."""
        for start in range(0, frames, _PADDING_FRAMES):
            for field in PERSON_FIELDS:
                absent = field.absent_frames(min(_PADDING_FRAMES, frames - start))
                self._person_spool(field, slot).write(absent.tobytes())

    def _person_spool(self, field: PersonField, slot: int) -> IO[bytes]:
        return self._spool(_person_name(field, slot))

    def _spool(self, name: str) -> IO[bytes]:
        if name not in self._spools:
            self._spools[name] = self._path(name).open("wb")
        return self._spools[name]

    def _path(self, name: str) -> Path:
        return self._scratch / f"{name}.bin"


def _person_name(field: PersonField, slot: int) -> str:
    return f"{field.name}.{slot}"


def _person_values(chunk: PoseChunk) -> tuple[tuple[PersonField, np.ndarray], ...]:
    track = chunk.track
    return (
        (JOINTS, chunk.joints_m),
        (SIGMA, chunk.sigma_m),
        (KEYPOINTS, track.keypoints_px),
        (CONFIDENCE, track.confidence),
        (OBSERVED, track.observed),
    )


def _drained(paths: list[Path]) -> Iterator[bytes]:
    """The content of the files, block by block; each is deleted when read, to save room."""
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                yield block
        path.unlink()


@contextmanager
def _storage_full_explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (ENOSPC, EDQUOT, EFBIG):
            raise
        raise StorageFull(
            "The disk is full. Free some room, or use fewer frames (stride, max_fps)."
        ) from error


def _sync_folder(folder: Path) -> None:
    # Without this the new name, though not the content, could be lost in a power cut.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
