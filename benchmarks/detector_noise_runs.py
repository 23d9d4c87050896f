"""One video through the 2D detector again and again, each time changed a little.

What is changed must not matter: mirrored, smaller, moved within a larger picture, begun a frame
later, unsmoothed, with a larger or smaller network. By how much the answers differ all the same is
a lower bound of how wrong they are; what all runs get wrong alike does not show.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
from jaxtyping import Float64

from benchmarks.detector_noise_views import show, undo
from core.assets.bundle import pose_bundle
from core.contracts import PoseModel
from core.keypoints.estimators import PoseEstimators
from core.keypoints.landmarker import Landmarker, Mode
from core.keypoints.protocol import Detection
from core.video.frames import Frame
from core.video.stream import probe, stream_frames

_SAME_PERSON = 0.8  # median distance from the reference, in body heights shared by three
_HASHED_BYTES = 1 << 20

Read = Callable[[Frame], Sequence[Detection]]


@dataclass(frozen=True, eq=False)
class Run:
    """What one run said about one person; NaN where it did not see them.

    Attributes:
        time_s: of each frame.
        keypoints_px: pixels of the unchanged picture.
        hint_m: the detector's own 3D: metres, x right, y down, z away.
        confidence: 0 to 1.
        size_px: width and height of the picture.
    """

    time_s: Float64[np.ndarray, "frames"]
    keypoints_px: Float64[np.ndarray, "frames 33 2"]
    hint_m: Float64[np.ndarray, "frames 33 3"]
    confidence: Float64[np.ndarray, "frames 33"]
    size_px: Float64[np.ndarray, "2"]

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **asdict(self))

    @classmethod
    def load(cls, path: Path) -> Self:
        with np.load(path) as arrays:
            return cls(**arrays)


@dataclass(frozen=True)
class Setting:
    """How the detector is run: which network, and what is done to the video before."""

    model: PoseModel
    view: str = "as_is"

    def __str__(self) -> str:
        return f"{self.model}-{self.view}"


REFERENCE = Setting(PoseModel.HEAVY)
SETTINGS = (
    REFERENCE,
    Setting(PoseModel.HEAVY, "mirrored"),
    Setting(PoseModel.HEAVY, "unsmoothed"),
    Setting(PoseModel.FULL),
    *(Setting(PoseModel.FULL, view) for view in ("mirrored", "later", "smaller", "shifted")),
    Setting(PoseModel.FULL, "unsmoothed"),
    Setting(PoseModel.LITE),
    Setting(PoseModel.LITE, "mirrored"),
)
"""The reference first: the other runs report whoever is nearest to its person."""


def fingerprint(video: Path) -> str:
    """The first twelve hex digits of the file's SHA-256."""
    digest = hashlib.sha256()
    with video.open("rb") as file:
        while block := file.read(_HASHED_BYTES):
            digest.update(block)
    return digest.hexdigest()[:12]


def run_all(
    video: Path,
    cache_folder: Path,
    runs_folder: Path,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[Setting, Run]:
    """Every setting's run over a video; those that are in ``runs_folder`` are read from there.

    Raises:
        VideoError: the file cannot be read as a video.
        AssetUnavailable: a network is not in the cache and cannot be fetched.
    """
    runs: dict[Setting, Run] = {}
    name = fingerprint(video)
    for setting in SETTINGS:
        path = runs_folder / f"{name}-{setting}.npz"
        if not path.exists():
            tell(f"{video.name}: {setting}")
            with ExitStack() as stack:
                read = _reader(setting, cache_folder, stack)
                run(video, setting.view, read, runs.get(REFERENCE)).save(path)
        runs[setting] = Run.load(path)
    return runs


def run(video: Path, view: str, read: Read, reference: Run | None) -> Run:
    """One pass over a video.

    Args:
        video: the file.
        view: how its pictures are changed before they are read.
        read: finds people in a picture, in its own pixels.
        reference: a run whose person to look for; None for whomever the detector names first.

    Raises:
        VideoError: the file cannot be read as a video.
    """
    facts = probe(video)
    size = np.array([facts.width_px, facts.height_px], np.float64)
    times: list[float] = []
    found: list[Detection | None] = []
    for number, frame in enumerate(stream_frames(video, facts)):
        times.append(frame.time_s)
        if view == "later" and number == 0:
            found.append(None)
            continue
        shown = Frame(frame.index, frame.time_s, show(frame.rgb, view))
        people = [undo(person, view, size) for person in read(shown)]
        where = None if reference is None else reference.keypoints_px[number]
        found.append(_same_person(people, where))
    keypoints, hints, confidence = zip(*map(_arrays, found), strict=True)
    return Run(np.array(times), np.stack(keypoints), np.stack(hints), np.stack(confidence), size)


def _reader(setting: Setting, cache_folder: Path, stack: ExitStack) -> Read:
    if setting.view == "unsmoothed":
        bundle = pose_bundle(cache_folder, setting.model)
        scout = stack.enter_context(Landmarker(bundle, Mode.SCOUTING, 2))
        return lambda frame: scout.read(frame.rgb, frame.time_s)
    estimators = stack.enter_context(PoseEstimators(partial(pose_bundle, cache_folder)))
    return stack.enter_context(estimators.open(setting.model)).estimate


def _same_person(
    people: Sequence[Detection], where: Float64[np.ndarray, "33 2"] | None
) -> Detection | None:
    """Whoever is nearest to the reference's person, if near at all."""
    if not people or (where is not None and not np.isfinite(where).all()):
        return None
    if where is None:
        return people[0]
    size_px = max(float(np.ptp(where[:, 1])), float(np.ptp(where[:, 0]))) / 3
    distances = [
        float(np.median(np.linalg.norm(person.keypoints_px - where, axis=1))) / max(size_px, 1.0)
        for person in people
    ]
    nearest = int(np.argmin(distances))
    return people[nearest] if distances[nearest] < _SAME_PERSON else None


def _arrays(person: Detection | None) -> Iterator[np.ndarray]:
    if person is None or person.hint_m is None:
        yield from (np.full((33, 2), np.nan), np.full((33, 3), np.nan), np.full(33, np.nan))
    else:
        yield from (
            person.keypoints_px.astype(np.float64),
            person.hint_m.astype(np.float64),
            person.confidence.astype(np.float64),
        )
