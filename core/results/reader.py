"""The result of a job: one ``.npz`` that says everything about itself."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from pydantic import ValidationError

from core.errors import ResultInvalid
from core.results.manifest import Manifest
from core.results.npz import read_arrays
from core.results.schema import INDEX_DTYPE, PERSON_FIELDS, SCHEMA_VERSION, TIME_DTYPE
from core.results.writer import ResultWriter

__all__ = ["PoseResult", "ResultWriter", "read_result"]


@dataclass(frozen=True, eq=False)
class PoseResult:
    """3D pose tracks of the people in one video. NaN where a person is absent.

    Attributes:
        joints_3d: metres, relative to the pelvis, camera axes: x right, y down, z away.
        joints_3d_sigma: how far each joint may be off: one standard deviation, metres.
        keypoints_2d: pixels of the upright frame, x right, y down.
        keypoints_confidence: in [0, 1].
        observed: true where seen; false where interpolated (finite) or absent (NaN).
        track_id: the slot of each person; constant over the video.
        frame_time_s: true presentation times, strictly increasing.
        frame_index: positions among the decoded frames of the file.
        joint_names: of the 28 joints.
        keypoint_names: of the 33 keypoints.
        parents: of each joint; the pelvis is its own.
        manifest: where it came from and how good it is.
    """

    joints_3d: Float32[np.ndarray, "persons frames 28 3"]
    joints_3d_sigma: Float32[np.ndarray, "persons frames 28"]
    keypoints_2d: Float32[np.ndarray, "persons frames 33 2"]
    keypoints_confidence: Float32[np.ndarray, "persons frames 33"]
    observed: Bool[np.ndarray, "persons frames"]
    track_id: Int64[np.ndarray, "persons"]
    frame_time_s: Float64[np.ndarray, "frames"]
    frame_index: Int64[np.ndarray, "frames"]
    joint_names: tuple[str, ...]
    keypoint_names: tuple[str, ...]
    parents: tuple[int, ...]
    manifest: Manifest

    @property
    def persons(self) -> int:
        """How many people were ever seen; 0 is a valid result."""
        return len(self.track_id)

    def __len__(self) -> int:
        """How many frames."""
        return len(self.frame_time_s)

    def frames(self, start: int, stop: int) -> Self:
        """The frames from ``start`` up to but not including ``stop``, as views."""
        per_person = {field.name: getattr(self, field.name) for field in PERSON_FIELDS}
        return type(self)(
            **{name: array[:, start:stop] for name, array in per_person.items()},
            track_id=self.track_id,
            frame_time_s=self.frame_time_s[start:stop],
            frame_index=self.frame_index[start:stop],
            joint_names=self.joint_names,
            keypoint_names=self.keypoint_names,
            parents=self.parents,
            manifest=self.manifest,
        )


def read_result(source: Path | bytes) -> PoseResult:
    """Read a result file, or its bytes. Never unpickles anything.

    The arrays are read-only views of the file: frames of a long result can be read without
    reading the rest.

    Raises:
        ResultInvalid: damaged, not a result, or of another schema version.
    """
    arrays = read_arrays(source)
    manifest = _manifest(arrays)
    _check_shapes(arrays)
    return PoseResult(
        **{field.name: arrays[field.name] for field in PERSON_FIELDS},
        track_id=arrays["track_id"],
        frame_time_s=arrays["frame_time_s"],
        frame_index=arrays["frame_index"],
        joint_names=tuple(arrays["joint_names"].tolist()),
        keypoint_names=tuple(arrays["keypoint_names"].tolist()),
        parents=tuple(arrays["parents"].tolist()),
        manifest=manifest,
    )


def _manifest(arrays: dict[str, np.ndarray]) -> Manifest:
    array = arrays.get("manifest")
    if array is None or array.shape != () or array.dtype.kind != "U":
        raise ResultInvalid("The file is not a PoseLift result: it has no manifest.")
    try:
        manifest = Manifest.model_validate_json(str(array))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "JSON"
        raise ResultInvalid(f"The manifest is damaged at {place}: {first['msg']}.") from None
    if manifest.schema_version != SCHEMA_VERSION:
        raise ResultInvalid(
            f"The file has schema version {manifest.schema_version}; "
            f"this release reads version {SCHEMA_VERSION}."
        )
    return manifest


def _check_shapes(arrays: dict[str, np.ndarray]) -> None:
    persons, frames = _length(arrays, "track_id"), _length(arrays, "frame_time_s")
    wanted: dict[str, tuple[Any, tuple[int, ...]]] = {
        field.name: (field.dtype, (persons, frames, *field.shape)) for field in PERSON_FIELDS
    }
    wanted |= {
        "track_id": (INDEX_DTYPE, (persons,)),
        "frame_time_s": (TIME_DTYPE, (frames,)),
        "frame_index": (INDEX_DTYPE, (frames,)),
        "parents": (INDEX_DTYPE, (28,)),
    }
    for name, (dtype, shape) in wanted.items():
        array = arrays.get(name)
        if array is None:
            raise ResultInvalid(f"The file is not a PoseLift result: '{name}' is missing.")
        if array.shape != shape or array.dtype != dtype:
            raise ResultInvalid(
                f"'{name}' is {array.dtype} of shape {array.shape}; expected {dtype} of {shape}."
            )
    for name, count in (("joint_names", 28), ("keypoint_names", 33)):
        array = arrays.get(name)
        if array is None or array.shape != (count,) or array.dtype.kind != "U":
            raise ResultInvalid(f"'{name}' must hold {count} names.")


def _length(arrays: dict[str, np.ndarray], name: str) -> int:
    array = arrays.get(name)
    if array is None or array.ndim != 1:
        raise ResultInvalid(f"The file is not a PoseLift result: '{name}' is missing.")
    return len(array)
