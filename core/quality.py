"""How far to trust one result, from what was counted while it was made."""

from core.results.manifest import Quality
from core.tracking.tracks import TrackReport
from core.video.frames import DecodeReport


def assess(tracking: TrackReport, decoding: DecodeReport) -> Quality:
    """Sum up a finished job.

    Notes: ``no_person``, nobody was seen; ``people_not_followed``, more people were in the picture
    than the job follows; ``identity_assumed_after_absence``, somebody came back and may be
    somebody else; ``video_damaged``, parts of the file could not be decoded.
    """
    poses = max(1, tracking.frames * tracking.persons)
    notes = {
        "no_person": not tracking.persons,
        "people_not_followed": tracking.most_people > tracking.max_persons,
        "identity_assumed_after_absence": tracking.reentry_count > 0,
        "video_damaged": decoding.truncated or decoding.decode_errors > 0,
    }
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
        notes=tuple(note for note, applies in notes.items() if applies),
        tracks=tracking.as_quality(),
    )
