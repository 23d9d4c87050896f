"""What a lifter is measured on, by name: which clips, which 2D, which truth."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from core.errors import DatasetInvalid
from core.evaluation.calibration import ASSUMED
from core.evaluation.clip_watching import ClipWatchingDice
from core.evaluation.examples import Example, choose_examples
from core.evaluation.predictions import lift_sequence, lift_windows, scored_joints
from core.evaluation.scoring import Evaluation, evaluate
from core.evaluation.stretches import ClipPoses, ScoredJoints
from core.evaluation.whole_clips import CLIP_FRAMES, CONDITIONS, lift_held_out
from core.regions import SigmaRegions
from core.training.formats.joint_layouts import CMU28, JointLayout
from core.training.formats.motion_npz import read_actions
from core.training.formats.mpi_inf import read_annot, read_annot_data, read_combined
from core.training.formats.sequence import PoseSequence
from core.training.formats.videopose3d import read_h36m, read_humaneva15
from core.training.heldout import HeldOutSet, in_layout, with_lens_told
from core.training.motion import HELD_OUT_SUBJECTS, load_motion
from core.training.sampler import CLEAN, HINTED, NOISY, Difficulty

WINDOWS = 384
"""As many as training measures on, so that the numbers are those of its log."""
CLIPS_PER_SUBJECT = 48
"""Of each held-out subject and kind of 2D, when whole clips are measured."""


@dataclass(frozen=True)
class Request:
    """What to measure on.

    Attributes:
        truth: the motion file, or the dataset's 3D: a file, or a folder of them.
        keypoints: the dataset's 2D, where it is a file of its own.
        clips: how many windows or sequences, or clips of each subject; the protocol's own number
            if None.
        seed: of what is drawn at random, and of the intervals.
        device: where the model is.
        regions: what the model's sigma promises.
        smoothing: whether whole clips are smoothed, as users' are.
    """

    truth: Path
    keypoints: Path | None = None
    clips: int | None = None
    seed: int = 0
    device: torch.device = torch.device("cpu")  # noqa: RUF009  immutable
    regions: SigmaRegions = ASSUMED
    smoothing: bool = True


@dataclass(frozen=True)
class Outcome:
    """Of one protocol.

    Attributes:
        cases: each kind of 2D or truth; comparable only within.
        notes: what a reader must know about the numbers.
        joints: what was compared.
        examples: of each case, to look at.
    """

    cases: dict[str, Evaluation]
    notes: tuple[str, ...]
    joints: ScoredJoints
    examples: dict[str, tuple[Example, ...]]


_OTHER_LAYOUTS = ("coco17", "h36m17")

Protocol = Callable[[torch.nn.Module, Request], Outcome]
"""Takes a :class:`core.models.Lifter` or its like, on the request's device, in evaluation mode."""


def cmu_heldout(model: torch.nn.Module, request: Request) -> Outcome:
    """Subjects that training never saw, from random cameras, by exact 2D and by a detector's.

    The exact windows are scored a second and third time with nothing but the keypoints of COCO-17
    and of H36M-17, and then all of them once more with the true focal length told, which else is
    assumed in 85 % of the windows, as in training. Windows of 27 frames, drawn once by seed.
    Scored are all 28 joints, the root included, as training logs them; drift is within a window.

    Raises:
        MotionInvalid: the motion file cannot be used.
    """
    library = load_motion(request.truth).of_subjects(HELD_OUT_SUBJECTS, inside=True)
    actions = read_actions(request.truth)
    named = [(name, actions.get(name, "all").split(" - ")[0]) for name in library.names]
    windows = WINDOWS if request.clips is None else request.clips

    def case(seed: int, difficulty: Difficulty, layout: str | None = None) -> list[ClipPoses]:
        dice = ClipWatchingDice(seed, library.weights)
        chosen = HeldOutSet.draw(library, dice, windows, difficulty)
        stretches = []
        for batch, clips in zip(chosen.batches, dice.clips, strict=True):
            names = [named[clip][0] for clip in clips]
            kinds = [named[clip][1] for clip in clips]
            seen = batch if layout is None else in_layout(batch, layout)
            stretches += lift_windows(model, seen, names, kinds, request.device)
        return stretches

    seen_as: list[tuple[str, int, Difficulty, str | None]] = [
        ("clean", 1, CLEAN, None),
        ("noisy", 2, NOISY, None),
        ("hinted", 3, HINTED, None),
        *((f"clean, {layout}", 1, CLEAN, layout) for layout in _OTHER_LAYOUTS),
    ]
    cases = {
        name: case(request.seed + place, difficulty, layout)
        for name, place, difficulty, layout in seen_as
    }
    for name, place, difficulty, layout in seen_as:
        told = with_lens_told(difficulty)
        cases[f"{name}, focal length told"] = case(request.seed + place, told, layout)
    return _outcome(
        cases,
        scored_joints(CMU28),
        request,
        (
            f"subjects {', '.join(HELD_OUT_SUBJECTS)}; windows of one clip are one sample",
            "hinted: noisy 2D with the detector's own 3D beside it, as a video gives",
            "focal length told: the same windows; in the other cases it is assumed in 85 % of them",
            "jitter is at each window's own frame rate, 10 to 120 a second: see true_jitter",
        ),
    )


def cmu_clips(model: torch.nn.Module, request: Request) -> Outcome:
    """Held-out subjects as users get them: whole clips, blended from windows and smoothed.

    Every subject counts the same.

    Raises:
        MotionInvalid: the motion file cannot be used.
    """
    library = load_motion(request.truth).of_subjects(HELD_OUT_SUBJECTS, inside=True)
    actions = {name: said.split(" - ")[0] for name, said in read_actions(request.truth).items()}
    clips = CLIPS_PER_SUBJECT if request.clips is None else request.clips
    cases = {
        name: list(
            lift_held_out(
                model,
                library,
                condition,
                clips=clips,
                seed=request.seed + place,
                device=request.device,
                actions=actions,
                smoothing=request.smoothing,
            )
        )
        for place, (name, condition) in enumerate(CONDITIONS.items())
    }
    cases["all"] = [stretch for stretches in cases.values() for stretch in stretches]
    return _outcome(
        cases,
        scored_joints(CMU28),
        request,
        (
            f"{clips} clips of {CLIP_FRAMES} frames of each of the held-out subjects",
            f"through overlapping windows, blended{' and smoothed' * request.smoothing}",
            "hinted: noisy with the detector's own 3D; hidden: noisy, without one arm or leg; "
            f"all: the {len(CONDITIONS)} in equal parts, which is what sigma's regions are about",
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
    return replace(outcome, notes=(*outcome.notes, note))


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
    "cmu-clips": cmu_clips,
    "mpi-inf-3dhp": mpi_inf_3dhp,
    "h36m": h36m,
    "humaneva15": humaneva15,
}


def _keypoints(request: Request) -> Path:
    if request.keypoints is None:
        raise DatasetInvalid("This dataset keeps its 2D in a file of its own: name it too.")
    return request.keypoints


def _on_sequences(
    model: torch.nn.Module, request: Request, cases: Mapping[str, Iterable[PoseSequence]]
) -> Outcome:
    lifted: dict[str, list[ClipPoses]] = {}
    layouts: list[JointLayout] = []
    for name, sequences in cases.items():
        chosen = _some(list(sequences), request)
        layouts += [sequence.layout for sequence in chosen]
        if any(layout is not layouts[0] for layout in layouts):
            raise DatasetInvalid("Files of the training set and of the test set are not one score.")
        lifted[name] = [lift_sequence(model, sequence, request.device) for sequence in chosen]
    gaps = tuple(f"{joint}: {gap}" for joint, gap in layouts[0].gaps.items())
    return _outcome(lifted, scored_joints(layouts[0]), request, gaps)


def _outcome(
    cases: dict[str, list[ClipPoses]],
    joints: ScoredJoints,
    request: Request,
    notes: tuple[str, ...],
) -> Outcome:
    return Outcome(
        cases={
            name: evaluate(stretches, joints, request.seed, request.regions)
            for name, stretches in cases.items()
        },
        notes=notes,
        joints=joints,
        examples={name: choose_examples(stretches) for name, stretches in cases.items()},
    )


def _some(sequences: list[PoseSequence], request: Request) -> list[PoseSequence]:
    if not sequences:
        raise DatasetInvalid(f"'{request.truth}' holds no valid frames.")
    if request.clips is None or request.clips >= len(sequences):
        return sequences
    drawn = np.random.default_rng(request.seed).choice(len(sequences), request.clips, replace=False)
    return [sequences[i] for i in sorted(drawn)]
