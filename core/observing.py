"""From a video file to the people in each of its frames: decoding and searching side by side."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice

from core.contracts import JobOptions
from core.keypoints.attention import StartsAnywhere
from core.keypoints.protocol import KeypointEstimator
from core.resuming import ObservationSpool, Spooling
from core.segments.observe import TICK_S, observe_in_segments
from core.segments.plan import SegmentPlan, decoding_over_searching
from core.segments.reader import PictureReader
from core.stages import Stages
from core.tracking.association import Observation
from core.video.frames import Frame, FrameSelection, VideoFacts, VideoLimits
from core.video.read_ahead import ReadAhead
from core.video.reader import VideoReader
from core.video.stream import expected_frames
from core.video.upright import StoredPicture, UprightRgb, fitted

LONGEST_SIDE_PX = 960
"""MediaPipe sees people at 256 x 256 pixels and looks for them at 224 x 224; in larger pictures it
sees the same, up to its own noise, and we carry four times the bytes around."""
PICTURES_BYTES = 2 << 30
"""For pictures that wait for somebody to look at them; fewer segments are searched side by side
where that would be too little."""
PICTURES_AHEAD = 16
_BYTES_PER_PIXEL = 1.5  # one for brightness, two of a quarter for colour


@dataclass(frozen=True)
class Footage:
    """What is to be searched: the used frames of a video.

    Attributes:
        video: the open file.
        facts: what ``probe`` said about it.
        selection: which frames are used.
        limits: those of ``probe``.
    """

    video: VideoReader
    facts: VideoFacts
    selection: FrameSelection
    limits: VideoLimits | None = None


@contextmanager
def observe_video(
    footage: Footage,
    options: JobOptions,
    job: Stages,
    open_estimator: Callable[[JobOptions], KeypointEstimator],
    threads: int,
    spool: ObservationSpool,
) -> Iterator[Iterator[Observation]]:
    """People in each used frame, in order, for as long as the block runs; then all threads end.

    Args:
        footage: what is to be searched.
        options: as the user asked.
        job: counts the frames, and may be stopped by its listener.
        open_estimator: makes an estimator, as fresh as any; called again, and by several threads,
            if it makes one that may start anywhere.
        threads: how many of these work side by side.
        spool: what an earlier attempt has seen, and where it is kept what this one sees.
    """
    with open_estimator(options) as estimator:
        divides = isinstance(estimator, StartsAnywhere)
        side_px = LONGEST_SIDE_PX if divides else None
        facts = footage.facts
        picture_px = facts.stored_width_px * facts.stored_height_px
        plan = SegmentPlan.of(
            expected_frames(facts, footage.selection),
            decoding_over_searching(picture_px, options.pose_model),
        )
        segment = plan.segment_at(spool.frames) if divides else 0
        decode = partial(_decode, footage, job, side_px, plan.warm_up_start(segment))
        with ReadAhead(decode, PICTURES_AHEAD, name="decoder") as pictures:
            if isinstance(estimator, StartsAnywhere):
                spooling = Spooling(spool)
                seen = observe_in_segments(
                    pictures,
                    estimator,
                    partial(_open_another, open_estimator, options),
                    partial(PictureReader, footage.facts, side_px, job.has_picture),
                    plan,
                    threads=min(threads, _most_segments(footage.facts, plan)),
                    tick=job.tick,
                    first_segment=segment,
                    on_relief=spooling.relieved,
                    on_rest=job.only_lifts,
                )
                observations = _after(job.known(spool.read()), job.counted(spooling.passing(seen)))
            else:
                seen = _frames(pictures, footage.facts, job)
                observations = job.observe(seen, estimator)
            # Closed here: whoever keeps an error also keeps every generator that it passed through.
            with closing(seen), closing(observations):
                yield observations


def _decode(
    footage: Footage,
    job: Stages,
    longest_side_px: int | None,
    known: int,
    on_step: Callable[[], None],
) -> Generator[StoredPicture]:
    pictures = footage.video.pictures(
        footage.facts,
        footage.selection,
        job.decoding,
        footage.limits,
        on_step,
        longest_side_px=longest_side_px,
    )
    # Those that nobody will look at are decoded all the same: what a decoder makes of damage, and
    # which frames a rate limit leaves, depends on everything before.
    with closing(pictures):
        watched = job.quality.camera.pictures(pictures, footage.facts)
        yield from islice(watched, known, None)


def _after(first: Generator[Observation], then: Generator[Observation]) -> Generator[Observation]:
    with closing(first), closing(then):
        yield from chain(first, then)


def _frames(pictures: ReadAhead[StoredPicture], facts: VideoFacts, job: Stages) -> Generator[Frame]:
    """Pictures as frames; while none comes, the listener may stop the job."""
    upright = UprightRgb(facts)
    while True:
        while not pictures.ready(TICK_S):
            job.tick()
        picture = next(pictures, None)
        if picture is None:
            return
        yield upright.frame(picture)


def _open_another(
    open_estimator: Callable[[JobOptions], KeypointEstimator], options: JobOptions
) -> StartsAnywhere:
    estimator = open_estimator(options)
    assert isinstance(estimator, StartsAnywhere)  # noqa: S101 - as the first one was
    return estimator


def _most_segments(facts: VideoFacts, plan: SegmentPlan) -> int:
    width, height = fitted(facts.stored_width_px, facts.stored_height_px, LONGEST_SIDE_PX)
    segment_bytes = plan.longest * width * height * _BYTES_PER_PIXEL
    return max(1, int(PICTURES_BYTES / segment_bytes))
