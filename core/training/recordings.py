"""Datasets of recorded pairs on disk: which files, who is held out, what a user should know."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path

import numpy as np
import torch

from core.errors import ConfigInvalid, DatasetInvalid
from core.skeleton import KEYPOINT_NAMES
from core.training.formats.mpi_inf import read_annot, read_annot_data, read_combined
from core.training.formats.sequence import PoseSequence

Split = tuple[tuple[PoseSequence, ...], tuple[PoseSequence, ...]]
"""What is learnt from, and what is measured on."""

_RUN_FRAMES = 500
"""Neighbouring frames show nearly the same pose: they are held out together."""


def read_recordings(path: Path) -> tuple[PoseSequence, ...]:
    """2D and 3D from an ``mpi_inf_combined.npz``, an ``annot.mat``, or a folder of the latter.

    Raises:
        DatasetInvalid: a file cannot be used, or there is none; names clip and frame.
    """
    if path.suffix == ".npz":
        return (read_combined(path),)
    files = sorted(path.rglob("annot*.mat")) if path.is_dir() else [path]
    if not files:
        raise DatasetInvalid(f"There is no annot.mat in '{path}' or below it.")
    return tuple(
        sequence
        for file in files
        for sequence in (read_annot_data if file.name == "annot_data.mat" else read_annot)(file)
    )


def split_by_subject(sequences: Sequence[PoseSequence], held_out: Collection[str]) -> Split:
    """Everybody else, and the subjects held out.

    Raises:
        ConfigInvalid: nobody would be left on one side.
    """
    learn = tuple(each for each in sequences if each.subject not in held_out)
    unseen = tuple(each for each in sequences if each.subject in held_out)
    if not learn or not unseen:
        known = sorted({each.subject or "(unknown)" for each in sequences})
        raise ConfigInvalid(
            f"The subjects of these pairs are {', '.join(known)}, and training field 'held_out' is "
            f"{', '.join(held_out)}: some must be held out and some not. Where subjects are "
            "unknown, give 'held_out_share'."
        )
    return learn, unseen


def split_by_share(sequences: Sequence[PoseSequence], share: float, seed: int) -> Split:
    """Runs of up to 500 neighbouring frames on either side, drawn by seed.

    Single frames would not do: their neighbours, which show the same pose, would be learnt from.

    Raises:
        DatasetInvalid: there are too few frames to split.
    """
    total = sum(map(len, sequences))
    length = max(1, min(_RUN_FRAMES, int(total * share)))
    runs = [run for sequence in sequences for run in _runs(sequence, length)]
    if len(runs) < 2:
        raise DatasetInvalid(f"{total} frames are too few to hold out a share of {share}.")
    count = min(len(runs) - 1, ceil(len(runs) * share))
    order = torch.randperm(len(runs), generator=torch.Generator().manual_seed(seed))
    chosen = set(order[:count].tolist())
    learn = tuple(run for place, run in enumerate(runs) if place not in chosen)
    return learn, tuple(runs[place] for place in sorted(chosen))


def remarks(sequences: Sequence[PoseSequence]) -> list[str]:
    """What the 2D of these sequences lacks, in words."""
    layout = sequences[0].layout
    lacking = [name for name in KEYPOINT_NAMES if name not in layout.keypoints]
    words = []
    if lacking:
        words.append(
            f"The layout {layout.name} has {len(layout.keypoints)} of the {len(KEYPOINT_NAMES)} "
            f"keypoints; always unknown: {', '.join(lacking)}."
        )
    for sequence in sequences:
        if sequence.keypoints_px is None:
            continue
        bad = np.flatnonzero(~np.isfinite(sequence.keypoints_px).all((1, 2)))
        if len(bad):
            words.append(
                f"Clip '{sequence.name}' has 2D keypoints that are not numbers in {len(bad)} "
                f"frames, first in frame {bad[0]}: they count as not seen."
            )
    return words


def _runs(sequence: PoseSequence, length: int) -> list[PoseSequence]:
    return [
        replace(
            sequence,
            name=f"{sequence.name} frames {start}-{min(start + length, len(sequence)) - 1}",
            joints_m=sequence.joints_m[start : start + length],
            keypoints_px=_cut(sequence.keypoints_px, start, length),
            confidence=_cut(sequence.confidence, start, length),
        )
        for start in range(0, len(sequence), length)
    ]


def _cut(values: np.ndarray | None, start: int, length: int) -> np.ndarray | None:
    return None if values is None else values[start : start + length]
