"""Frames of a job for JSON: from the result, or from the chunks of a job that still runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.contracts import JobRecord, JobState
from core.errors import JobHasNoResult, ResultExpired
from core.results.chunk_bytes import bytes_to_chunk
from core.results.reader import read_result
from core.store.keys import result_key
from server.services import Services


@dataclass(frozen=True)
class Stretch:
    """Consecutive used frames of everybody; NaN where a person is absent.

    Attributes:
        start: position of the first frame among the used frames.
        frame_index: positions among the decoded frames, shape (frames,).
        frame_time_s: true presentation times, shape (frames,).
        track_id: shape (persons,).
        observed: shape (persons, frames).
        joints_m: shape (persons, frames, 28, 3).
        sigma_m: shape (persons, frames, 28).
    """

    start: int
    frame_index: np.ndarray
    frame_time_s: np.ndarray
    track_id: np.ndarray
    observed: np.ndarray
    joints_m: np.ndarray
    sigma_m: np.ndarray


@dataclass(frozen=True)
class FoundFrames:
    """Frames in words of JSON, and how many there are by now."""

    available: int
    frames: list[dict[str, Any]]


def find_frames(services: Services, record: JobRecord, start: int, stop: int) -> FoundFrames:
    """Used frames ``[start, stop)`` of a job, as far as they are finished.

    Raises:
        ResultExpired: they are gone.
        JobHasNoResult: the job failed or was canceled.
    """
    match record.state:
        case JobState.EXPIRED:
            raise ResultExpired("The result has expired. Upload the video again.")
        case JobState.FAILED | JobState.CANCELED:
            raise JobHasNoResult(f"The job has {record.state.value}; there are no frames.")
        case JobState.SUCCEEDED:
            return _of_result(services, record, start, stop)
        case _:
            return _of_running(services, record.id, start, stop)


def _of_result(services: Services, record: JobRecord, start: int, stop: int) -> FoundFrames:
    with services.blobs.local_path(result_key(record.id, record.attempt)) as path:
        result = read_result(path)  # mapped, not loaded
        part = result.frames(start, stop)
        stretch = Stretch(
            start,
            part.frame_index,
            part.frame_time_s,
            part.track_id,
            part.observed,
            part.joints_3d,
            part.joints_3d_sigma,
        )
        return FoundFrames(len(result), list(_frames(stretch, start, stop)))


def _of_running(services: Services, job_id: str, start: int, stop: int) -> FoundFrames:
    frames: list[dict[str, Any]] = []
    for found, content in services.frames.read(job_id, start, stop):
        chunk = bytes_to_chunk(content)
        stretch = Stretch(
            found.start,
            chunk.track.frame_index,
            chunk.track.frame_time_s,
            np.arange(chunk.track.persons),
            chunk.track.observed,
            chunk.joints_m,
            chunk.sigma_m,
        )
        frames += _frames(stretch, start, stop)
    return FoundFrames(services.frames.stop_index(job_id), frames)


def _frames(stretch: Stretch, start: int, stop: int) -> Iterator[dict[str, Any]]:
    for n in range(len(stretch.frame_index)):
        if start <= stretch.start + n < stop:
            yield {
                "index": stretch.start + n,
                "frame_index": int(stretch.frame_index[n]),
                "time_s": float(stretch.frame_time_s[n]),
                "persons": list(_persons(stretch, n)),
            }


def _persons(stretch: Stretch, frame: int) -> Iterator[dict[str, Any]]:
    for person, track_id in enumerate(stretch.track_id):
        joints, sigma = stretch.joints_m[person, frame], stretch.sigma_m[person, frame]
        if np.isfinite(joints).any():
            yield {
                "track_id": int(track_id),
                "observed": bool(stretch.observed[person, frame]),
                "joints_3d": [_rounded(joint) for joint in joints],
                "joints_3d_sigma": [_rounded_number(value) for value in sigma],
            }


def _rounded(joint: np.ndarray) -> list[float] | None:
    """To a hundredth of a millimetre; NaN has no place in JSON."""
    return [round(float(value), 5) for value in joint] if np.isfinite(joint).all() else None


def _rounded_number(value: np.floating) -> float | None:
    return round(float(value), 5) if np.isfinite(value) else None
