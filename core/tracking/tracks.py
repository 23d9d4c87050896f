"""Who is who over time: detections in, one track per person out, while the video still runs.

The estimator returns people in an order that jumps, misses some, and may return one twice. Three
stages, each a generator with a bounded look-ahead, make tracks of that: detections become tracklets
(:mod:`core.tracking.association`), tracklets become persons (:mod:`core.tracking.slots`), short
gaps are filled (:mod:`core.tracking.gaps`). Memory does not grow with the video.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from jaxtyping import Float32

from core.chunks import TrackChunk
from core.skeleton import KEYPOINT_NAMES
from core.tracking.association import Observation, associate
from core.tracking.gaps import FilledFrame, fill_gaps
from core.tracking.report import ReEntry, TrackReport
from core.tracking.sightings import MAIN_KEYPOINTS, measure
from core.tracking.slots import RESUME_AFTER_S, SlotFrame, SlotSighting, assign_slots

__all__ = ["Observation", "ReEntry", "TrackReport", "follow_known_person", "follow_persons"]


def follow_persons(
    observations: Iterable[Observation],
    *,
    max_persons: int,
    max_gap_s: float,
    chunk_frames: int,
    report: TrackReport | None = None,
    picture_px: tuple[int, int] | None = None,
) -> Iterator[TrackChunk]:
    """Follow up to ``max_persons`` people through a video.

    With one person, that is the main person: the largest, surest, most central and most present of
    the first seconds, who stays the main person when somebody else walks in front or behind. A
    person who is gone for two seconds gives the slot free for whoever is there (five for somebody
    much smaller, none for somebody alike who turns up where they were lost). Poses alone cannot
    tell whether that is the same person, so the report lists each such re-entry.

    Output runs behind the input by the longer of two seconds and ``max_gap_s``, and by
    ``max_gap_s`` once more.

    Args:
        observations: one per used frame, in order of time; frames without people included.
        max_persons: slots of the output; the number of a slot is the track's id.
        max_gap_s: longest time between two sightings over which keypoints are interpolated. After
            somebody was seen only briefly, gaps of up to 0.3 s longer than that are bridged.
        chunk_frames: frames of each chunk; the last may be shorter.
        report: filled while the chunks are taken; complete after the last one.
        picture_px: width and height of the upright frame, to prefer people in its centre.

    Returns:
        Chunks with a row per slot; NaN where a slot holds nobody. Keypoints the estimator left out
        of a person who is there are NaN too, with confidence 0.
    """
    report = TrackReport() if report is None else report
    report.start(max_persons)
    patience_s = max(RESUME_AFTER_S, max_gap_s)
    labelled = associate(observations, patience_s=patience_s)
    cast = assign_slots(
        labelled,
        slots=max_persons,
        patience_s=patience_s,
        picture_px=picture_px,
        report=report,
    )
    return _chunks(cast, max_persons, max_gap_s, chunk_frames, report)


def follow_known_person(
    observations: Iterable[Observation],
    *,
    max_gap_s: float,
    chunk_frames: int,
    report: TrackReport | None = None,
) -> Iterator[TrackChunk]:
    """The same for keypoints of one person whose identity the user vouches for.

    Nothing is questioned, however far the person jumps; only short gaps are filled. A frame with
    fewer than four main keypoints counts as a frame without the person.
    """
    report = TrackReport() if report is None else report
    report.start(1)
    cast = (_alone(observation, report) for observation in observations)
    return _chunks(cast, 1, max_gap_s, chunk_frames, report)


def _alone(observation: Observation, report: TrackReport) -> SlotFrame:
    seen = [s for detection in observation.detections if (s := measure(detection)) is not None]
    report.people_at_once(len(seen))
    slot = SlotSighting(0, seen[0]) if seen else None
    return SlotFrame(observation.frame_index, observation.time_s, (slot,))


def _chunks(
    cast: Iterable[SlotFrame],
    slots: int,
    max_gap_s: float,
    chunk_frames: int,
    report: TrackReport,
) -> Iterator[TrackChunk]:
    filled = _counted(fill_gaps(cast, max_gap_s=max_gap_s), report)
    for frames in _batched(filled, chunk_frames):
        yield _chunk(frames, slots)


def _counted(frames: Iterable[FilledFrame], report: TrackReport) -> Iterator[FilledFrame]:
    for frame in frames:
        report.frames += 1
        for slot, pose in enumerate(frame.poses):
            if pose is None:
                continue
            if pose.observed:
                report.observed(slot, float(pose.confidence[MAIN_KEYPOINTS].mean()))
            else:
                report.interpolated(slot)
        yield frame


def _batched(frames: Iterable[FilledFrame], size: int) -> Iterator[list[FilledFrame]]:
    batch: list[FilledFrame] = []
    for frame in frames:
        batch.append(frame)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _chunk(frames: Sequence[FilledFrame], persons: int) -> TrackChunk:
    joints = len(KEYPOINT_NAMES)
    keypoints_px = np.full((persons, len(frames), joints, 2), np.nan, np.float32)
    confidence = np.full((persons, len(frames), joints), np.nan, np.float32)
    observed = np.zeros((persons, len(frames)), bool)
    hint_m = np.full((persons, len(frames), joints, 3), np.nan, np.float32)
    for column, frame in enumerate(frames):
        for row, pose in enumerate(frame.poses):
            if pose is None:
                continue
            keypoints_px[row, column] = pose.keypoints_px
            confidence[row, column] = pose.confidence
            observed[row, column] = pose.observed
            if pose.hint_m is not None:
                hint_m[row, column] = pose.hint_m
    return TrackChunk(
        frame_index=np.array([frame.frame_index for frame in frames], np.int64),
        frame_time_s=np.array([frame.time_s for frame in frames], np.float64),
        keypoints_px=keypoints_px,
        confidence=confidence,
        observed=observed,
        hint_m=_none_if_absent(hint_m, frames),
    )


def _none_if_absent(
    hint_m: Float32[np.ndarray, "persons frames 33 3"], frames: Sequence[FilledFrame]
) -> Float32[np.ndarray, "persons frames 33 3"] | None:
    given = any(pose is not None and pose.hint_m is not None for f in frames for pose in f.poses)
    return hint_m if given else None
