"""Observations as bytes: how what was seen is kept for a later attempt at the same job."""

from collections.abc import Iterator, Sequence

import numpy as np

from core.errors import ResultInvalid
from core.keypoints.protocol import Detection
from core.results.npz import pack_arrays, read_arrays
from core.tracking.association import Observation

_NO_HINT = np.full((33, 3), np.nan, np.float32)


def observations_to_bytes(seen: Sequence[Observation]) -> bytes:
    """Observations as an ``.npz`` in memory; every number keeps its bits."""
    people = [person for observation in seen for person in observation.detections]
    hints = [_NO_HINT if person.hint_m is None else person.hint_m for person in people]
    return pack_arrays(
        {
            "frame_index": np.array([one.frame_index for one in seen], np.int64),
            "time_s": np.array([one.time_s for one in seen], np.float64),
            "people": np.array([len(one.detections) for one in seen], np.int64),
            "keypoints_px": _stacked([person.keypoints_px for person in people], (33, 2)),
            "confidence": _stacked([person.confidence for person in people], (33,)),
            "hint_m": _stacked(hints, (33, 3)),
            "has_hint": np.array([person.hint_m is not None for person in people], np.bool_),
        }
    )


def bytes_to_observations(content: bytes) -> Iterator[Observation]:
    """The observations again, with arrays of their own.

    Raises:
        ResultInvalid: these are not the bytes of observations.
    """
    arrays = read_arrays(content)
    try:
        yield from _unpacked(arrays)
    except (KeyError, IndexError):
        raise ResultInvalid("The bytes are not observations: something is missing.") from None


def _unpacked(arrays: dict[str, np.ndarray]) -> Iterator[Observation]:
    person = 0
    frames = zip(arrays["frame_index"], arrays["time_s"], arrays["people"], strict=True)
    for frame_index, time_s, people in frames:
        detections = [_detection(arrays, row) for row in range(person, person + int(people))]
        person += int(people)
        yield Observation(int(frame_index), float(time_s), detections)


def _detection(arrays: dict[str, np.ndarray], row: int) -> Detection:
    return Detection(
        keypoints_px=arrays["keypoints_px"][row].copy(),
        confidence=arrays["confidence"][row].copy(),
        hint_m=arrays["hint_m"][row].copy() if arrays["has_hint"][row] else None,
    )


def _stacked(rows: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(len(rows), *shape)
