"""Metres from a known body height.

One camera cannot tell a tall person far away from a short one nearby. The lifter answers with the
proportions it has learned from a population; a height given by the user replaces that guess by one
factor per video, found within the person's first seconds and kept.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Float32

from core.chunks import PoseChunk
from core.runs import join_poses
from core.skeleton import BODY

LOOK_AHEAD_S = 2.0
"""How much of a person is measured before their first frame is passed on."""
SEGMENTS_OF_HEIGHT = 0.975
"""Top of the head to the ankles, bone by bone, over standing height. The ankle is 3.9 % of the
height above the ground (Drillis and Contini 1966, in Winter, "Biomechanics and Motor Control of
Human Movement"); the bones of the trunk follow its curve and add back 1.4 %, as measured on
motion capture. People differ by about 2 %."""

_TRUNK = ("head_top", "head", "neck", "spine4", "spine3", "spine2", "spine", "pelvis")
_LEGS = (("left_hip", "left_knee", "left_ankle"), ("right_hip", "right_knee", "right_ankle"))


class ScaleSource(StrEnum):
    """Why a metre is a metre: a single camera cannot tell size from distance."""

    HEIGHT_OPTION = "height_option"
    MODEL_PRIOR = "model_prior"


@dataclass
class ScaleReport:
    """Where the metres come from, valid once the poses have passed.

    Attributes:
        source: who said how large the person is.
        factor: what the lifter's metres were multiplied with; 1 if nothing was known.
    """

    source: ScaleSource = ScaleSource.MODEL_PRIOR
    factor: float = 1.0


def scale_to_height(
    chunks: Iterable[PoseChunk],
    *,
    height_m: float | None,
    report: ScaleReport | None = None,
    person: int = 0,
) -> Iterator[PoseChunk]:
    """Scale one person's joints and sigma so that they would stand this tall.

    Others keep the lifter's guess: somebody's height says nothing about somebody else's.

    Args:
        chunks: poses in order, cut anyhow; the result does not depend on the cuts.
        height_m: standing height without shoes; None passes everything through.
        report: is told what was done.
        person: the slot of the person whose height it is; the first one is the main person.

    Yields:
        The same chunks, delayed once, by two seconds, when the person first appears.
    """
    report = report or ScaleReport()
    if height_m is None:
        yield from chunks
        return
    held: list[PoseChunk] = []
    factor: float | None = None
    for chunk in chunks:
        held.append(chunk)
        if factor is None and _seen_enough(held, person):
            factor = _factor(held, person, height_m, report)
        if factor is not None or not _seen(held, person):
            yield from (_scaled(one, person, factor or 1.0) for one in held)
            held = []
    if held:
        factor = _factor(held, person, height_m, report)
        yield from (_scaled(one, person, factor) for one in held)


def standing_height_m(
    joints_m: Float32[np.ndarray, "frames 28 3"], sigma_m: Float32[np.ndarray, "frames 28"]
) -> float:
    """How tall somebody would stand, from their bones in any pose.

    Each bone's length is its median over the surer half of the frames. Segments from the top of
    the head to the pelvis and from the hips to the ankles (mean of both legs) are added up and
    divided by their share of the standing height, :data:`SEGMENTS_OF_HEIGHT`.

    Args:
        joints_m: at least one frame, all finite.
        sigma_m: how sure the joints are.
    """
    sure = sigma_m.mean(axis=1)
    joints_m = joints_m[sure <= np.median(sure)]
    legs = np.mean([_length_m(joints_m, leg) for leg in _LEGS])
    return float((_length_m(joints_m, _TRUNK) + legs) / SEGMENTS_OF_HEIGHT)


def _length_m(joints_m: Float32[np.ndarray, "frames 28 3"], chain: tuple[str, ...]) -> float:
    joints = [BODY.index(name) for name in chain]
    bones = np.linalg.norm(np.diff(joints_m[:, joints], axis=1), axis=-1)
    return float(np.median(bones, axis=0).sum())


def _there(chunk: PoseChunk, person: int) -> Bool[np.ndarray, "frames"]:
    return np.isfinite(chunk.joints_m[person]).all(axis=(-2, -1))


def _seen(held: list[PoseChunk], person: int) -> bool:
    return any(_there(chunk, person).any() for chunk in held)


def _seen_enough(held: list[PoseChunk], person: int) -> bool:
    newest_s = held[-1].track.frame_time_s[-1:]
    return bool((newest_s > _measured_until_s(held, person)).any())


def _measured_until_s(held: list[PoseChunk], person: int) -> float:
    """The person's first frame plus the look-ahead; infinity before they appear."""
    for chunk in held:
        times_s = chunk.track.frame_time_s[_there(chunk, person)]
        if len(times_s):
            return float(times_s[0]) + LOOK_AHEAD_S
    return np.inf


def _factor(held: list[PoseChunk], person: int, height_m: float, report: ScaleReport) -> float:
    poses = join_poses(held)
    measured = poses.track.frame_time_s <= _measured_until_s(held, person)
    measured &= _there(poses, person)
    lifted_m = standing_height_m(poses.joints_m[person, measured], poses.sigma_m[person, measured])
    report.source, report.factor = ScaleSource.HEIGHT_OPTION, height_m / lifted_m
    return report.factor


def _scaled(chunk: PoseChunk, person: int, factor: float) -> PoseChunk:
    factors = np.ones((len(chunk.joints_m), 1, 1), np.float32)
    factors[person] = factor
    return replace(
        chunk, joints_m=chunk.joints_m * factors[..., None], sigma_m=chunk.sigma_m * factors
    )
