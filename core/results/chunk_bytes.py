"""Chunks as bytes: how finished frames are kept while their job still runs."""

import numpy as np

from core.chunks import PoseChunk, TrackChunk
from core.errors import ResultInvalid
from core.results.npz import pack_arrays, read_arrays

_TRACK_FIELDS = ("frame_index", "frame_time_s", "keypoints_px", "confidence", "observed")


def chunk_to_bytes(chunk: PoseChunk) -> bytes:
    """A chunk as an ``.npz`` in memory; equal chunks give equal bytes."""
    arrays = {name: getattr(chunk.track, name) for name in _TRACK_FIELDS}
    if chunk.track.hint_m is not None:
        arrays["hint_m"] = chunk.track.hint_m
    arrays |= {"joints_m": chunk.joints_m, "sigma_m": chunk.sigma_m}
    return pack_arrays(arrays)


def bytes_to_chunk(content: bytes) -> PoseChunk:
    """The chunk again; its arrays are read-only views of ``content``.

    Raises:
        ResultInvalid: these are not the bytes of a chunk.
    """
    arrays = read_arrays(content)
    try:
        track = TrackChunk(
            **{name: arrays[name] for name in _TRACK_FIELDS}, hint_m=arrays.get("hint_m")
        )
        chunk = PoseChunk(track, arrays["joints_m"], arrays["sigma_m"])
    except KeyError as missing:
        raise ResultInvalid(f"The bytes are not a chunk of poses: {missing} is missing.") from None
    persons, frames = chunk.track.observed.shape
    if chunk.joints_m.shape != (persons, frames, 28, 3) or len(chunk) != frames:
        raise ResultInvalid("The bytes are not a chunk of poses: its arrays do not fit together.")
    if not np.issubdtype(chunk.joints_m.dtype, np.float32):
        raise ResultInvalid("The bytes are not a chunk of poses: joints_m is not float32.")
    return chunk
