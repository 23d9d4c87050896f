"""The main job: a video in, a file of 3D poses out, with memory that does not grow with the video.

Every stage is a generator that draws from the one before; see ``docs/decisions/0001``. Decoding and
the search for people run in threads of their own; see ``docs/decisions/0009``.
"""

from collections.abc import Callable
from pathlib import Path

from core.cameras import Camera
from core.contracts import JobOptions, Stage
from core.keypoints.files import KeypointFile
from core.keypoints.protocol import KeypointEstimator
from core.observing import Footage, observe_video
from core.results.manifest import ModelFacts, Source
from core.resuming import OpenSpool, made_with, no_spool
from core.stages import LiftsTracks, LiftSummary, Listener, Stages
from core.video.frames import FrameSelection, VideoLimits
from core.video.reader import OpensReader, read_here
from core.video.stream import expected_frames

__all__ = ["LiftSummary", "LiftsTracks", "Listener", "lift_keypoints", "lift_video"]

KEYPOINT_OPTIONS = frozenset(
    {"focal_length_px", "focal_length_35mm", "height_m", "smoothing", "max_gap_s"}
)
"""What can be asked for when the 2D keypoints are there already."""


def lift_video(
    video: Path,
    result: Path,
    options: JobOptions,
    *,
    open_estimator: Callable[[JobOptions], KeypointEstimator],
    lift: LiftsTracks,
    models: dict[str, ModelFacts],
    limits: VideoLimits | None = None,
    threads: int = 1,
    listener: Listener | None = None,
    source_name: str | None = None,
    open_spool: OpenSpool = no_spool,
    open_reader: OpensReader = read_here,
) -> LiftSummary:
    """Lift the people in a video into ``result``, an ``.npz`` file.

    Args:
        video: the file to read; the ending of its name does not matter.
        result: the file to write. It appears whole, at the end, or not at all.
        options: as the user asked.
        open_estimator: makes what finds 2D keypoints, anew for every video, and again for parts of
            it; then several threads call it.
        lift: turns 2D tracks into 3D.
        models: what the two are called, for the manifest.
        limits: how large a video may be.
        threads: how many search for people side by side; the result does not depend on it.
        listener: hears of progress and finished poses, and may stop the job.
        source_name: the user's name for the video, for the manifest.
        open_spool: where is kept what was seen, for an attempt that goes on after an interruption.
            The result does not depend on it.
        open_reader: where the video is decoded; the result does not depend on it either.

    Raises:
        VideoError: the video cannot be used; the subclass says why.
        OptionOutOfRange: its pictures cannot have the focal length that was told.
        Canceled: the listener asked to stop.
        ResourceError: memory or disk ran out.
    """
    job = Stages(options, listener)
    job.say(Stage.PROBING)
    with open_reader(video) as reader:
        facts = reader.probe(limits, job.heed)
        camera = Camera.of(options, facts.width_px, facts.height_px, facts.focal_length_35mm)
        selection = FrameSelection.of(options)
        job.expect(expected_frames(facts, selection))
        footage = Footage(reader, facts, selection, limits)
        spool = open_spool(made_with(options, models))
        with observe_video(footage, options, job, open_estimator, threads, spool) as seen:
            tracks = job.follow(seen, facts)
            poses = job.lift(tracks, lift, camera)
            source, asked = Source.of(facts, source_name), options.model_dump(mode="json")
            return job.write(poses, result, source, camera, models, asked)


def lift_keypoints(
    keypoints: KeypointFile,
    result: Path,
    options: JobOptions,
    *,
    lift: LiftsTracks,
    models: dict[str, ModelFacts],
    listener: Listener | None = None,
    source_name: str | None = None,
) -> LiftSummary:
    """Lift one person's 2D keypoints that the user brings, from any estimator.

    Frames with fewer than four known main keypoints are frames without the person; short gaps are
    filled as in a video. Options that concern decoding and 2D (stride, times, model) have no effect
    and do not stand in the manifest.

    Raises:
        OptionOutOfRange: pictures of this size cannot have the focal length that was told.
        Canceled: the listener asked to stop.
        ResourceError: memory or disk ran out.
    """
    width_px, height_px = keypoints.width_px, keypoints.height_px
    camera = Camera.of(options, width_px, height_px)
    job = Stages(options, listener)
    job.expect(len(keypoints.frame_time_s))
    poses = job.lift(job.follow_file(keypoints), lift, camera)
    source = Source(filename=source_name, width_px=width_px, height_px=height_px)
    asked = options.model_dump(mode="json", include=set(KEYPOINT_OPTIONS))
    return job.write(poses, result, source, camera, models, asked)
