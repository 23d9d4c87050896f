"""How far to trust one result: numbers, and codes for those that are worth a warning.

What each code means, what to do, and how its threshold was measured is in ``docs/quality.md``.
"""

from core.quality.watch import Measured
from core.results.manifest import Quality
from core.tracking.tracks import TrackReport
from core.video.facts import DecodeReport

LOW_RESOLUTION_PX = 160
LOW_FPS = 10.0
UNEVEN_STEPS = 0.1
SMALL_PERSON_PX = 80
CUT_OFF_SHARE = 0.5
SLIDE_M = 0.06
SHAKING_SHARE = 0.1
CAMERA_MOVED_SHARE = 0.2
LOW_CONFIDENCE_SHARE = 0.2


def assess(
    tracking: TrackReport, decoding: DecodeReport, measured: Measured | None = None
) -> Quality:
    """Sum up a finished job.

    Args:
        tracking: how people were followed.
        decoding: how the video was read.
        measured: what was measured on its frames.
    """
    measured = measured or Measured()
    poses = max(1, tracking.frames * tracking.persons)
    notes = _of_people(tracking) | _of_footage(decoding, measured) | _of_poses(tracking, measured)
    return Quality(
        frames_used=tracking.frames,
        persons=tracking.persons,
        observed_share=round(sum(tracking.observed_frames) / poses, 4),
        interpolated_share=round(sum(tracking.interpolated_frames) / poses, 4),
        low_confidence_share=round(tracking.low_confidence_share, 4),
        reentries=tracking.reentry_count,
        decode_errors=decoding.decode_errors,
        times_repaired=decoding.times_repaired,
        truncated=decoding.truncated,
        fps=_rounded(measured.fps, 3),
        step_variation=_rounded(measured.step_variation, 4),
        person_px=_rounded(measured.person_px, 1),
        feet_cut_off_share=round(measured.feet_cut_off_share, 4),
        foot_slide_m=_rounded(measured.foot_slide_m, 4),
        shaking_share=_rounded(measured.shaking_share, 4),
        camera_moved_share=_rounded(measured.camera_moved_share, 4),
        notes=tuple(note for note, applies in notes.items() if applies),
        tracks=tracking.as_quality(),
    )


def _of_people(tracking: TrackReport) -> dict[str, bool]:
    return {
        "no_person": not tracking.persons,
        "people_not_followed": tracking.most_people > tracking.max_persons,
        "identity_assumed_after_absence": tracking.reentry_count > 0,
    }


def _of_footage(decoding: DecodeReport, measured: Measured) -> dict[str, bool]:
    return {
        "video_damaged": decoding.truncated or decoding.decode_errors > 0,
        "low_resolution": _below(measured.shorter_side_px, LOW_RESOLUTION_PX),
        "low_frame_rate": _below(measured.fps, LOW_FPS),
        "variable_frame_rate": _above(measured.step_variation, UNEVEN_STEPS),
        "person_small": _below(measured.person_px, SMALL_PERSON_PX),
        "moving_camera": _above(measured.camera_moved_share, CAMERA_MOVED_SHARE),
    }


def _of_poses(tracking: TrackReport, measured: Measured) -> dict[str, bool]:
    return {
        "feet_cut_off": measured.feet_cut_off_share > CUT_OFF_SHARE,
        "foot_slide": _above(measured.foot_slide_m, SLIDE_M),
        "jitter": _above(measured.shaking_share, SHAKING_SHARE),
        "low_confidence": tracking.persons > 0
        and tracking.low_confidence_share > LOW_CONFIDENCE_SHARE,
    }


def _above(value: float | None, limit: float) -> bool:
    return value is not None and value > limit


def _below(value: float | None, limit: float) -> bool:
    return value is not None and value < limit


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
