"""What a lifter is measured on, by name: which clips, which 2D, which truth."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.errors import DatasetInvalid
from core.evaluation.predictions import lift_sequence, lift_windows, scored_joints
from core.evaluation.scoring import Evaluation, evaluate
from core.training.dice import Dice
from core.training.formats.joint_layouts import CMU28
from core.training.formats.motion_npz import read_actions
from core.training.formats.mpi_inf import read_annot, read_annot_data, read_combined
from core.training.formats.sequence import PoseSequence
from core.training.formats.videopose3d import read_h36m, read_humaneva15
from core.training.heldout import HeldOutSet
from core.training.motion import HELD_OUT_SUBJECTS, load_motion
from core.training.sampler import CLEAN, NOISY, Difficulty

WINDOWS = 384
"""As many as training measures on, so that the numbers are those of its log."""


@dataclass(frozen=True)
class Request:
    """What to measure on.

    Attributes:
        truth: the motion file, or the dataset's 3D: a file, or a folder of them.
        keypoints: the dataset's 2D, where it is a file of its own.
        clips: how many windows or sequences; the protocol's own number if None.
        seed: of what is drawn at random, and of the intervals.
        device: where the model is.
    """

    truth: Path
    keypoints: Path | None = None
    clips: int | None = None
    seed: int = 0
    device: torch.device = torch.device("cpu")  # noqa: RUF009  immutable


@dataclass(frozen=True)
class Outcome:
    """Of one protocol.

    Attributes:
        cases: each kind of 2D or truth; comparable only within.
        notes: what a reader must know about the numbers.
    """

    cases: dict[str, Evaluation]
    notes: tuple[str, ...]


Protocol = Callable[[torch.nn.Module, Request], Outcome]
"""Takes a :class:`core.models.Lifter` or its like, on the request's device, in evaluation mode."""


def cmu_heldout(model: torch.nn.Module, request: Request) -> Outcome:
    """Subjects that training never saw, from random cameras, by exact 2D and by a detector's.

    Windows of 27 frames, drawn once by seed. Scored are all 28 joints, the root included, as
    training logs them; drift is within a window.

    Raises:
        MotionInvalid: the motion file cannot be used.
    """
    library = load_motion(request.truth).of_subjects(HELD_OUT_SUBJECTS, inside=True)
    actions = read_actions(request.truth)
    named = [(name, actions.get(name, "all").split(" - ")[0]) for name in library.names]
    windows = WINDOWS if request.clips is None else request.clips

    def case(seed: int, difficulty: Difficulty) -> Evaluation:
        dice = _ClipWatchingDice(seed, library.weights)
        chosen = HeldOutSet.draw(library, dice, windows, difficulty)
        stretches = []
        for batch, clips in zip(chosen.batches, dice.clips, strict=True):
            names = [named[clip][0] for clip in clips]
            kinds = [named[clip][1] for clip in clips]
            stretches += lift_windows(model, batch, names, kinds, request.device)
        return evaluate(stretches, scored_joints(CMU28), request.seed)

    return Outcome(
        {"clean": case(request.seed + 1, CLEAN), "noisy": case(request.seed + 2, NOISY)},
        (
            f"subjects {', '.join(HELD_OUT_SUBJECTS)}; windows of one clip are one sample",
            "jitter is at each window's own frame rate, 10 to 120 a second: see true_jitter",
        ),
    )


def mpi_inf_3dhp(model: torch.nn.Module, request: Request) -> Outcome:
    """MPI-INF-3DHP from its own 2D, against ``annot3`` and against ``univ_annot3``.

    ``request.truth`` is an ``annot.mat``, an ``annot_data.mat``, a folder with several of either
    below it, or an ``mpi_inf_combined.npz``, which does not say which truth it holds.

    Raises:
        DatasetInvalid: a file cannot be used.
    """
    if request.truth.suffix == ".npz":
        return _on_sequences(model, request, {"combined": [read_combined(request.truth)]})
    one = request.truth.is_file()
    files = [request.truth] if one else sorted(request.truth.rglob("annot*.mat"))
    if not files:
        raise DatasetInvalid(f"There is no annot.mat or annot_data.mat in '{request.truth}'.")
    cases = {}
    for truth in ("annot3", "univ_annot3"):
        cases[truth] = [
            sequence
            for file in files
            for sequence in (read_annot if file.name == "annot.mat" else read_annot_data)(
                file, truth
            )
        ]
    outcome = _on_sequences(model, request, cases)
    note = "annot3 and univ_annot3 are not comparable; 25 frames a second are assumed"
    return Outcome(outcome.cases, (*outcome.notes, note))


def h36m(model: torch.nn.Module, request: Request) -> Outcome:
    """Human3.6M, subjects 9 and 11, all cameras, from VideoPose3D's files.

    Raises:
        DatasetInvalid: a file cannot be used.
    """
    sequences = read_h36m(request.truth, _keypoints(request), ("S9", "S11"))
    return _on_sequences(model, request, {"S9 and S11": sequences})


def humaneva15(model: torch.nn.Module, request: Request) -> Outcome:
    """HumanEva-I, validation halves of subjects 1 to 3, from VideoPose3D's files.

    Raises:
        DatasetInvalid: a file cannot be used.
    """
    subjects = ("Validate/S1", "Validate/S2", "Validate/S3")
    sequences = read_humaneva15(request.truth, _keypoints(request), subjects)
    return _on_sequences(model, request, {"validation": sequences})


PROTOCOLS: Mapping[str, Protocol] = {
    "cmu-heldout": cmu_heldout,
    "mpi-inf-3dhp": mpi_inf_3dhp,
    "h36m": h36m,
    "humaneva15": humaneva15,
}


class _ClipWatchingDice(Dice):
    """Falls like any dice of its seed, and remembers which clips it picked, batch by batch."""

    def __init__(self, seed: int, clip_weights: Tensor) -> None:
        super().__init__(seed)
        self.clips: list[list[int]] = []
        self._clip_weights = clip_weights

    def pick(self, weights: Tensor, count: int) -> Tensor:
        picked = super().pick(weights, count)
        if weights is self._clip_weights:
            self.clips.append(picked.tolist())
        return picked


def _keypoints(request: Request) -> Path:
    if request.keypoints is None:
        raise DatasetInvalid("This dataset keeps its 2D in a file of its own: name it too.")
    return request.keypoints


def _on_sequences(
    model: torch.nn.Module, request: Request, cases: Mapping[str, Iterable[PoseSequence]]
) -> Outcome:
    evaluations, notes = {}, []
    for name, sequences in cases.items():
        chosen = _some(list(sequences), request)
        layout = chosen[0].layout
        if any(sequence.layout is not layout for sequence in chosen):
            raise DatasetInvalid("Files of the training set and of the test set are not one score.")
        stretches = [lift_sequence(model, sequence, request.device) for sequence in chosen]
        evaluations[name] = evaluate(stretches, scored_joints(layout), request.seed)
        notes += [f"{joint}: {gap}" for joint, gap in layout.gaps.items()]
    return Outcome(evaluations, tuple(dict.fromkeys(notes)))


def _some(sequences: list[PoseSequence], request: Request) -> list[PoseSequence]:
    if not sequences:
        raise DatasetInvalid(f"'{request.truth}' holds no valid frames.")
    if request.clips is None or request.clips >= len(sequences):
        return sequences
    drawn = np.random.default_rng(request.seed).choice(len(sequences), request.clips, replace=False)
    return [sequences[i] for i in sorted(drawn)]
