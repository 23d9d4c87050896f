"""MPI-INF-3DHP: the official annotations, and ``mpi_inf_combined.npz``.

All lengths in the files are millimetres, all 3D in camera axes (x right, y down, z away).
``annot3`` is metric; ``univ_annot3`` is scaled to one universal body. Scores against the two are
not comparable: say which one it was.

Source: Mehta et al., "Monocular 3D Human Pose Estimation In The Wild Using Improved CNN
Supervision", 3DV 2017, and the README of its data.
"""

import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.errors import DatasetInvalid
from core.training.formats.joint_layouts import MPI_INF17, MPI_INF28
from core.training.formats.matlab import read_mat
from core.training.formats.sequence import MM, PoseSequence

Truth = Literal["annot3", "univ_annot3"]

_SQUARE_PX = 2048
_WIDE_TESTS = ("TS5", "TS6")  # filmed outdoors at 1920 x 1080; the others are square
_ACTIVITIES = (
    "standing_walking", "exercise", "sitting", "reaching_crouching", "on_the_floor", "sports",
    "miscellaneous",
)  # fmt: skip


def read_combined(path: Path) -> PoseSequence:
    """``mpi_inf_combined.npz``: ``pose2d (N, 28, 2 or 3)``, ``pose3d (N, 28, 3)`` in mm.

    A third number in 2D is a confidence. The file does not say where clips begin or how fast they
    are, so its frames stand alone (``fps`` is None).

    Raises:
        DatasetInvalid: the file cannot be read or is of another kind; names the frame.
    """
    try:
        # np.load leaves a file open that it opened and could not read.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            missing = [name for name in ("pose2d", "pose3d") if name not in file.files]
            if missing:
                raise DatasetInvalid(f"'{path.name}' has no field {', '.join(missing)}.")
            pixels, joints = file["pose2d"], file["pose3d"]
    except (OSError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise DatasetInvalid(f"Cannot read '{path.name}': {error}.") from None
    if pixels.ndim != 3 or pixels.shape[2] not in (2, 3) or joints.shape[2:] != (3,):
        raise DatasetInvalid(
            f"'{path.name}' has pose2d {pixels.shape} and pose3d {joints.shape}, where "
            "(N, 28, 2 or 3) and (N, 28, 3) belong."
        )
    return PoseSequence(
        name=path.stem,
        subject="",
        action="all",
        camera="",
        fps=None,
        layout=MPI_INF28,
        joints_m=(joints * MM).astype(np.float32),
        axes="camera",
        keypoints_px=pixels[..., :2].astype(np.float32),
        confidence=pixels[..., 2].astype(np.float32) if pixels.shape[2] == 3 else None,
        width_px=_SQUARE_PX,
        height_px=_SQUARE_PX,
    )


def read_annot(path: Path, truth: Truth = "annot3", fps: float = 25.0) -> tuple[PoseSequence, ...]:
    """``S1/Seq1/annot.mat`` of the training set: one sequence per camera.

    ``annot2`` and ``annot3`` are cells with one ``(frames, 2 or 3 x 28)`` matrix per camera.

    Args:
        path: the file; the folders above it name subject and sequence.
        truth: which 3D.
        fps: the file does not say it; sequences have 25 or 50 frames a second.

    Raises:
        DatasetInvalid: the file cannot be read or is of another kind; names clip and frame.
    """
    variables = read_mat(path)
    pixels, joints = (_cell(variables, name, path) for name in ("annot2", truth))
    if len(pixels) != len(joints):
        raise DatasetInvalid(f"'{path.name}' has 2D and 3D of different numbers of cameras.")
    subject, sequence = path.absolute().parts[-3:-1]
    return tuple(
        PoseSequence(
            name=f"{subject}/{sequence} camera {camera}",
            subject=subject,
            action=sequence,
            camera=str(camera),
            fps=fps,
            layout=MPI_INF28,
            joints_m=_rows(points, 3, path) * np.float32(MM),
            axes="camera",
            keypoints_px=_rows(seen, 2, path),
            width_px=_SQUARE_PX,
            height_px=_SQUARE_PX,
        )
        for camera, (seen, points) in enumerate(zip(pixels, joints, strict=True))
    )


def read_annot_data(
    path: Path, truth: Truth = "annot3", fps: float = 25.0
) -> tuple[PoseSequence, ...]:
    """``TS1/annot_data.mat`` of the test set: one sequence per run of valid frames of one activity.

    The file is HDF5, so arrays come as ``(frames, 1, 17, 2 or 3)``.

    Args:
        path: the file; the folder above it names the subject.
        truth: which 3D.
        fps: of the pictures; the file does not say it.

    Raises:
        DatasetInvalid: the file cannot be read or is of another kind; names clip and frame.
    """
    variables = read_mat(path)
    missing = [name for name in ("annot2", truth, "valid_frame") if name not in variables]
    if missing:
        raise DatasetInvalid(f"'{path.name}' has no variable {', '.join(missing)}.")
    pixels, joints = variables["annot2"], variables[truth]
    frames = len(joints)
    valid = np.ravel(variables["valid_frame"]) > 0
    shapes = (joints.shape, pixels.shape, valid.shape)
    if shapes != ((frames, 1, 17, 3), (frames, 1, 17, 2), (frames,)):
        raise DatasetInvalid(
            f"'{path.name}' has {truth} {shapes[0]}, annot2 {shapes[1]} and valid_frame "
            f"{shapes[2]}, where (frames, 1, 17, 3), (frames, 1, 17, 2) and (frames) belong."
        )
    activity = np.ravel(variables.get("activity_annotation", np.zeros(frames))).astype(int)
    kinds = np.where(valid, np.resize(activity, frames), -1)
    subject = path.absolute().parent.name
    wide = subject in _WIDE_TESTS
    return tuple(
        PoseSequence(
            name=f"{subject} frames {run.start}-{run.stop - 1}",
            subject=subject,
            action=_activity(int(kinds[run.start])),
            camera=subject,
            fps=fps,
            layout=MPI_INF17,
            joints_m=(joints[run, 0] * MM).astype(np.float32),
            axes="camera",
            keypoints_px=pixels[run, 0].astype(np.float32),
            width_px=1920 if wide else _SQUARE_PX,
            height_px=1080 if wide else _SQUARE_PX,
        )
        for run in _runs(kinds)
        if kinds[run.start] >= 0
    )


def _cell(variables: dict[str, Any], name: str, path: Path) -> list[np.ndarray]:
    cell = variables.get(name)
    if not isinstance(cell, np.ndarray) or cell.dtype != object:
        raise DatasetInvalid(f"'{path.name}' has no cell '{name}' with one matrix per camera.")
    return [np.asarray(matrix) for matrix in cell.ravel()]


def _rows(matrix: np.ndarray, axes: int, path: Path) -> np.ndarray:
    if matrix.ndim != 2 or matrix.shape[1] != axes * MPI_INF28.joints:
        raise DatasetInvalid(
            f"'{path.name}' has a camera of shape {matrix.shape}, where (frames, "
            f"{axes * MPI_INF28.joints}) belongs."
        )
    return matrix.reshape(-1, MPI_INF28.joints, axes).astype(np.float32)


def _activity(number: int) -> str:
    return _ACTIVITIES[number - 1] if 1 <= number <= len(_ACTIVITIES) else "all"


def _runs(kinds: np.ndarray) -> list[slice]:
    """Stretches of equal values."""
    if not len(kinds):
        return []
    edges = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), len(kinds)]
    return [slice(start, stop) for start, stop in pairwise(edges)]
