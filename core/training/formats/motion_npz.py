"""Our own motion file as sequences: the clips that :mod:`core.training.motion` lays end to end."""

from pathlib import Path

import numpy as np

from core.errors import DatasetInvalid
from core.training.formats.joint_layouts import CMU28
from core.training.formats.sequence import PoseSequence
from core.training.motion import MotionInvalid, load_motion


def read_motion(path: Path) -> tuple[PoseSequence, ...]:
    """Every clip of a motion file: metres, y up, no camera.

    Raises:
        DatasetInvalid: the file cannot be read or is of another skeleton; names clip and frame.
    """
    try:
        library = load_motion(path)
    except MotionInvalid as error:
        raise DatasetInvalid(error.detail) from None
    actions = read_actions(path)
    places = zip(library.starts.tolist(), library.lengths.tolist(), strict=True)
    return tuple(
        PoseSequence(
            name=name,
            subject=subject,
            action=actions.get(name, "all"),
            camera=None,
            fps=library.fps,
            layout=CMU28,
            joints_m=library.positions_m[start : start + length].numpy(),
            axes="world",
        )
        for name, subject, (start, length) in zip(
            library.names, library.subjects, places, strict=True
        )
    )


def read_actions(path: Path) -> dict[str, str]:
    """What each clip of a readable motion file shows, by name; empty if the file does not say."""
    with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
        if "desc" not in file.files:
            return {}
        return dict(zip(map(str, file["clip"]), map(str, file["desc"]), strict=True))
