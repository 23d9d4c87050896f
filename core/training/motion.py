"""Human motion to learn from: clips of 28 joints, split by subject."""

import zipfile
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int64
from torch import Tensor

from core.errors import LiftError
from core.skeleton import BODY

HELD_OUT_SUBJECTS = ("01", "09", "35", "135")
_TRUST = {"own": 3.0, "sub02": 1.5, "wz1": 1.0, "aiko3": 1.0}
"""How often a frame is drawn, by whose bones it sits on."""


class MotionInvalid(LiftError):
    """A motion file lacks a field, has another skeleton, or holds numbers that are none."""

    code = "motion_invalid"
    title = "The motion file cannot be used"


@dataclass(frozen=True)
class MotionLibrary:
    """Clips laid end to end.

    Attributes:
        positions_m: metres, y up, right-handed; x is the left of a person who faces +z.
        starts: first frame of each clip in ``positions_m``.
        lengths: frames of each clip.
        weights: how often each clip is drawn.
        retargeted: clips whose proportions are not the subject's own.
        subjects: of each clip.
        names: of each clip.
        fps: frames a second of every clip.
    """

    positions_m: Float32[Tensor, "frames 28 3"]
    starts: Int64[Tensor, "clips"]
    lengths: Int64[Tensor, "clips"]
    weights: Float32[Tensor, "clips"]
    retargeted: Bool[Tensor, "clips"]
    subjects: tuple[str, ...]
    names: tuple[str, ...]
    fps: float

    def of_subjects(self, subjects: Collection[str], *, inside: bool) -> "MotionLibrary":
        """The clips of these subjects, or of all others; frames are shared, not copied."""
        keep = [i for i, name in enumerate(self.subjects) if (name in subjects) == inside]
        if not keep:
            which = "of" if inside else "other than"
            raise MotionInvalid(f"There is no clip {which} subjects {', '.join(subjects)}.")
        rows = torch.tensor(keep)
        return replace(
            self,
            starts=self.starts[rows],
            lengths=self.lengths[rows],
            weights=self.weights[rows],
            retargeted=self.retargeted[rows],
            subjects=tuple(self.subjects[i] for i in keep),
            names=tuple(self.names[i] for i in keep),
        )


def load_motion(path: Path) -> MotionLibrary:
    """Read an ``.npz`` of clips with ``pos``, ``ptr``, ``unit_m``, ``subject``, ``skel``, ...

    Raises:
        MotionInvalid: the file is missing, damaged, or of another skeleton; names clip and frame
            of the first number that is not finite.
    """
    try:
        # np.load leaves a file open that it opened and could not read.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            fields = {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise MotionInvalid(f"Cannot read motion from '{path.name}': {error}.") from None
    needed = ("pos", "ptr", "unit_m", "clip", "subject", "skel", "joint_names", "fps")
    missing = [name for name in needed if name not in fields]
    if missing:
        raise MotionInvalid(f"'{path.name}' has no field {', '.join(missing)}.")
    if tuple(map(str, fields["joint_names"])) != BODY.names:
        raise MotionInvalid(f"'{path.name}' has other joints than our 28, or another order.")
    return _library(fields)


def _library(fields: dict[str, np.ndarray]) -> MotionLibrary:
    positions = fields["pos"].astype(np.float32) * np.float32(fields["unit_m"])
    ptr = fields["ptr"].astype(np.int64)
    names = tuple(map(str, fields["clip"]))
    bad = np.flatnonzero(~np.isfinite(positions).all((1, 2)))
    if len(bad):
        clip = int(np.searchsorted(ptr, bad[0], side="right")) - 1
        frame = int(bad[0] - ptr[clip])
        raise MotionInvalid(f"Clip '{names[clip]}' has a number that is none in frame {frame}.")
    skeletons = [str(name) for name in fields["skel"]]
    trust = np.array([_TRUST.get(name, 1.0) for name in skeletons], np.float32)
    lengths = np.diff(ptr)
    return MotionLibrary(
        positions_m=torch.from_numpy(positions),
        starts=torch.from_numpy(ptr[:-1].copy()),
        lengths=torch.from_numpy(lengths),
        # A long clip repeats itself: its share grows with the root of its length times length.
        weights=torch.from_numpy((trust * lengths**0.75).astype(np.float32)),
        retargeted=torch.tensor([name == "aiko3" for name in skeletons]),
        subjects=tuple(map(str, fields["subject"])),
        names=names,
        fps=float(fields["fps"]),
    )
