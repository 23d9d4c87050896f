"""Human3.6M and HumanEva in the files of VideoPose3D.

``data_3d_h36m.npz`` and ``data_3d_humaneva15.npz`` hold ``positions_3d``: subject -> action ->
``(frames, joints, 3)`` in metres, world axes. ``data_2d_*_*.npz`` hold ``positions_2d``: subject ->
action -> one ``(frames, joints, 2)`` per camera, in pixels. Calibration is in neither, so how each
camera was turned is found from the points themselves (:mod:`core.training.formats.resection`).

Source: Pavllo et al., "3D human pose estimation in video with temporal convolutions and
semi-supervised training", CVPR 2019, and the scripts that write its data.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from jaxtyping import Float32

from core.errors import DatasetInvalid
from core.training.formats.joint_layouts import H36M17, HUMANEVA15, JointLayout
from core.training.formats.object_arrays import read_object
from core.training.formats.resection import camera_rotation
from core.training.formats.sequence import PoseSequence

_H36M_KEPT = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
"""Of Human3.6M's 32 joints, those that move and are not copies."""

_Arrays = dict[str, dict[str, object]]


@dataclass(frozen=True)
class _Dataset:
    layout: JointLayout
    fps: float
    width_px: int
    height_px: int


_H36M = _Dataset(H36M17, 50.0, 1000, 1000)  # two of the cameras have 1002 lines
_HUMANEVA = _Dataset(HUMANEVA15, 60.0, 640, 480)


def read_h36m(
    path_3d: Path, path_2d: Path | None = None, subjects: Collection[str] | None = None
) -> tuple[PoseSequence, ...]:
    """Human3.6M at 50 frames a second.

    Args:
        path_3d: ``data_3d_h36m.npz``.
        path_2d: ``data_2d_h36m_gt.npz``, or of a detector with the same 17 joints. Without it,
            sequences are in world axes and have no camera.
        subjects: ``S9``, ...; all if None.

    Raises:
        DatasetInvalid: a file cannot be read or is of another kind; names clip and frame.
    """
    return _read(_H36M, path_3d, path_2d, subjects)


def read_humaneva15(
    path_3d: Path, path_2d: Path | None = None, subjects: Collection[str] | None = None
) -> tuple[PoseSequence, ...]:
    """HumanEva-I at 60 frames a second; subjects are called ``Train/S1``, ``Validate/S1``, ...

    Args:
        path_3d: ``data_3d_humaneva15.npz``.
        path_2d: ``data_2d_humaneva15_gt.npz`` or the like; see :func:`read_h36m`.
        subjects: all if None.

    Raises:
        DatasetInvalid: a file cannot be read or is of another kind; names clip and frame.
    """
    return _read(_HUMANEVA, path_3d, path_2d, subjects)


def _read(
    dataset: _Dataset, path_3d: Path, path_2d: Path | None, subjects: Collection[str] | None
) -> tuple[PoseSequence, ...]:
    poses = _by_subject(path_3d, "positions_3d")
    seen = _by_subject(path_2d, "positions_2d") if path_2d else {}
    chosen = [subject for subject in poses if subjects is None or subject in subjects]
    if not chosen:
        raise DatasetInvalid(
            f"'{path_3d.name}' has subjects {', '.join(map(str, poses))}: none that is asked for."
        )
    sequences: list[PoseSequence] = []
    for subject in chosen:
        actions = {
            action: _sequence(dataset, subject, action, joints)
            for action, joints in poses[subject].items()
        }
        if path_2d is None:
            sequences += actions.values()
        else:
            sequences += _through_cameras(dataset, actions, seen.get(subject, {}))
    if not sequences:
        raise DatasetInvalid(f"No clip of {', '.join(chosen)} has both 3D and 2D.")
    return tuple(sequences)


def _by_subject(path: Path, field: str) -> _Arrays:
    found = read_object(path, field)
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise DatasetInvalid(f"'{field}' in '{path.name}' is not a table of subjects and actions.")
    return cast(_Arrays, found)


def _sequence(dataset: _Dataset, subject: str, action: str, joints: object) -> PoseSequence:
    name = f"{subject} {action}"
    if not isinstance(joints, np.ndarray) or joints.ndim != 3 or joints.shape[2] != 3:
        raise DatasetInvalid(f"Clip '{name}' is not (frames, joints, 3).")
    if dataset.layout is H36M17 and joints.shape[1] == 32:
        joints = joints[:, _H36M_KEPT]
    return PoseSequence(
        name=name,
        subject=subject,
        action=action.split(" ")[0],  # "Walking 1" and "Walking 1 chunk0" are takes of one action
        camera=None,
        fps=dataset.fps,
        layout=dataset.layout,
        joints_m=joints.astype(np.float32),
        axes="world",
    )


def _through_cameras(
    dataset: _Dataset, actions: Mapping[str, PoseSequence], seen: Mapping[str, object]
) -> list[PoseSequence]:
    """Every action that has 2D, as each camera sees it."""
    both = [action for action in actions if action in seen]
    views = {action: _views(actions[action], seen[action]) for action in both}
    cameras = min((len(each) for each in views.values()), default=0)
    sequences = []
    for camera in range(cameras):
        world = np.concatenate([actions[action].joints_m.reshape(-1, 3) for action in both])
        pixels = np.concatenate([views[action][camera].reshape(-1, 2) for action in both])
        size_px = dataset.width_px, dataset.height_px
        name = f"{actions[both[0]].subject} {camera}"
        rotation = camera_rotation(world, pixels, size_px, name)
        sequences += [
            replace(
                actions[action],
                name=f"{actions[action].name} camera {camera}",
                camera=str(camera),
                joints_m=(actions[action].joints_m @ rotation.T).astype(np.float32),
                axes="camera",
                keypoints_px=views[action][camera],
                width_px=dataset.width_px,
                height_px=dataset.height_px,
            )
            for action in both
        ]
    return sequences


def _views(sequence: PoseSequence, cameras: object) -> list[Float32[np.ndarray, "_ _ 2"]]:
    """Pixels of each camera, cut to the frames that have 3D, as VideoPose3D cuts them."""
    views = []
    for pixels in cameras if isinstance(cameras, list | tuple | np.ndarray) else [None]:
        if (
            not isinstance(pixels, np.ndarray)
            or pixels.ndim != 3
            or pixels.shape[1] != sequence.layout.joints
            or pixels.shape[2] < 2
            or len(pixels) < len(sequence)
        ):
            raise DatasetInvalid(
                f"The 2D of clip '{sequence.name}' is not a list of cameras with at least "
                f"{len(sequence)} frames of {sequence.layout.joints} joints each."
            )
        views.append(pixels[: len(sequence), :, :2].astype(np.float32))
    return views
