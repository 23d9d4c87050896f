"""A true pose measured by others: motion capture, or several calibrated cameras.

The file is a plain ``.npz``, described for its makers in ``docs/evaluation.md``.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from core.errors import DatasetInvalid

LIMB_JOINTS = tuple(
    f"{side}_{part}"
    for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
)
"""What every source of 3D has, ours and MediaPipe's included, under these names."""

_THIGH_M = (0.15, 0.8)
_LONGEST_GAP_S = 0.1
_LONGEST_GAP_STEPS = 2.5
_EXACT = 1e-6


@dataclass(frozen=True, eq=False)
class PoseReference:
    """Where one person's limb joints were.

    Attributes:
        name: of the file.
        limbs_m: :data:`LIMB_JOINTS`, metres, in whatever rigid frame; NaN where unknown.
        time_s: on the video's own clock, rising.
        R_camera_world: turns directions of that frame into camera axes (x right, y down, z away);
            None if the camera is unknown.
    """

    name: str
    limbs_m: Float64[np.ndarray, "frames 12 3"]
    time_s: Float64[np.ndarray, "frames"]
    R_camera_world: Float64[np.ndarray, "3 3"] | None = None

    def at(self, time_s: Float64[np.ndarray, "times"]) -> Float64[np.ndarray, "times 12 3"]:
        """Joints at other times, linearly between neighbours; camera axes if they are known.

        NaN outside the reference's span, beside a joint that is unknown, and in gaps longer than a
        tenth of a second (or two and a half of its own steps).
        """
        after = np.clip(np.searchsorted(self.time_s, time_s), 1, len(self.time_s) - 1)
        before = after - 1
        gap_s = self.time_s[after] - self.time_s[before]
        share = (time_s - self.time_s[before]) / gap_s
        usual_s = float(np.median(np.diff(self.time_s)))
        usable = (gap_s <= max(_LONGEST_GAP_S, _LONGEST_GAP_STEPS * usual_s)) & (
            (share >= -_EXACT) & (share <= 1 + _EXACT)
        )
        # On a frame of the reference itself, its neighbour may be unknown.
        before = np.where(share > 1 - _EXACT, after, before)
        after = np.where(share < _EXACT, before, after)
        share = share[:, None, None]
        joints_m = (1 - share) * self.limbs_m[before] + share * self.limbs_m[after]
        if self.R_camera_world is not None:
            joints_m = joints_m @ self.R_camera_world.T
        return np.where(usable[:, None, None], joints_m, np.nan)


def read_reference(path: Path) -> PoseReference:
    """Read ``joints_3d``, ``joint_names``, ``frame_time_s`` and, if there, ``T_world_camera``.

    Raises:
        DatasetInvalid: the file is missing or damaged, lacks a field or a joint, has other units,
            or times that do not rise; says which.
    """
    fields = _read(path)
    joints_m, names, time_s = (
        fields[name] for name in ("joints_3d", "joint_names", "frame_time_s")
    )
    frames = len(time_s) if time_s.ndim == 1 else 0
    if joints_m.shape != (frames, names.size, 3) or names.ndim != 1:
        raise DatasetInvalid(
            f"'{path.name}': joints_3d must be (frames, joints, 3) for {frames} times in "
            f"frame_time_s and {names.size} joint_names, and is {joints_m.shape}."
        )
    if frames < 2 or not (np.diff(time_s) > 0).all():
        raise DatasetInvalid(f"'{path.name}': frame_time_s must hold two or more rising seconds.")
    places = {str(name): place for place, name in enumerate(names)}
    missing = [name for name in LIMB_JOINTS if name not in places]
    if missing:
        raise DatasetInvalid(f"'{path.name}': joint_names lacks {', '.join(missing)}.")
    limbs_m = joints_m[:, [places[name] for name in LIMB_JOINTS]].astype(np.float64)
    _refuse_other_units(limbs_m, path.name)
    return PoseReference(
        path.stem, limbs_m, time_s.astype(np.float64), _rotation(fields, path.name)
    )


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        # np.load leaves a file open that it opened and could not read.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            fields = {name: file[name] for name in file.files}
    except (OSError, ValueError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetInvalid(f"Cannot read the reference '{path.name}': {error}.") from None
    for name in ("joints_3d", "joint_names", "frame_time_s"):
        if name not in fields:
            raise DatasetInvalid(f"The reference '{path.name}' has no field {name}.")
        kinds = "US" if name == "joint_names" else "fiu"
        if fields[name].dtype.kind not in kinds:
            raise DatasetInvalid(f"'{path.name}': {name} is of type {fields[name].dtype}.")
    return fields


def _refuse_other_units(limbs_m: Float64[np.ndarray, "frames 12 3"], name: str) -> None:
    hip, knee = LIMB_JOINTS.index("left_hip"), LIMB_JOINTS.index("left_knee")
    thighs_m = np.linalg.norm(limbs_m[:, hip] - limbs_m[:, knee], axis=-1)
    known = thighs_m[np.isfinite(thighs_m)]
    if not len(known):
        raise DatasetInvalid(f"'{name}': the left thigh is in no frame of joints_3d.")
    thigh_m = float(np.median(known))
    if not _THIGH_M[0] < thigh_m < _THIGH_M[1]:
        raise DatasetInvalid(
            f"'{name}': the left thigh is {thigh_m:.3g} long. joints_3d must be in metres."
        )


def _rotation(fields: dict[str, np.ndarray], name: str) -> Float64[np.ndarray, "3 3"] | None:
    if "T_world_camera" not in fields:
        return None
    transform = fields["T_world_camera"]
    if transform.shape != (4, 4) or transform.dtype.kind not in "fiu":
        raise DatasetInvalid(f"'{name}': T_world_camera must be 4 x 4 numbers.")
    rotation = transform[:3, :3].astype(np.float64)
    straight = np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3)
    if not straight or np.linalg.det(rotation) < 0:
        raise DatasetInvalid(f"'{name}': T_world_camera does not hold a rotation.")
    return rotation.T
