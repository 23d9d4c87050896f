"""The main job: a video in, a file of 3D poses out, with memory that does not grow with the video.

Every stage is a generator that draws from the one before; see ``docs/decisions/0001``.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Protocol, TypeVar, runtime_checkable

from core.chunks import PoseChunk, TrackChunk
from core.contracts import JobOptions, Progress, Stage
from core.errors import Canceled
from core.keypoints.files import KeypointFile
from core.keypoints.protocol import Detection, KeypointEstimator
from core.progress import ProgressMeter
from core.quality import assess
from core.results.manifest import Manifest, ModelFacts, Quality, Source, software_versions
from core.results.reader import ResultWriter
from core.scale import ScaleReport, scale_to_height
from core.smoothing import smooth
from core.tracking.tracks import Observation, TrackReport, follow_known_person, follow_persons
from core.video.frames import DecodeReport, Frame, FrameSelection, VideoFacts, VideoLimits
from core.video.stream import expected_frames, probe, stream_frames

CHUNK_FRAMES = 64
"""Frames that travel together behind the 2D stage; about two seconds of video."""

Counted = TypeVar("Counted")


@runtime_checkable
class LiftsTracks(Protocol):
    """The lifter with its device and memory budget already bound."""

    def __call__(
        self, chunks: Iterable[TrackChunk], *, width_px: int, height_px: int
    ) -> Iterator[PoseChunk]:
        """Lift everybody in the tracks; raises ``OutOfMemory`` if one window does not fit."""
        ...


@dataclass(frozen=True)
class Listener:
    """Who wants to know while a job runs, and who may stop it.

    Attributes:
        on_progress: told a few times a second.
        on_chunk: given every finished stretch of poses, in order.
        should_stop: asked at every frame; true ends the job with ``Canceled``.
    """

    on_progress: Callable[[Progress], None] = lambda _: None
    on_chunk: Callable[[PoseChunk], None] = lambda _: None
    should_stop: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class LiftSummary:
    """What came out, and how long it took.

    Attributes:
        frames: used frames, T of the result.
        persons: people in the result, P; 0 is a success that found nobody.
        first_frame_s: from the start of the job until the first picture was searched for people.
        seconds: wall time of the whole job.
        quality: as in the result's manifest.
    """

    frames: int
    persons: int
    first_frame_s: float
    seconds: float
    quality: Quality


def lift_video(
    video: Path,
    result: Path,
    options: JobOptions,
    *,
    open_estimator: Callable[[JobOptions], KeypointEstimator],
    lift: LiftsTracks,
    models: dict[str, ModelFacts],
    limits: VideoLimits | None = None,
    listener: Listener | None = None,
    source_name: str | None = None,
) -> LiftSummary:
    """Lift the people in a video into ``result``, an ``.npz`` file.

    Args:
        video: the file to read; the ending of its name does not matter.
        result: the file to write. It appears whole, at the end, or not at all.
        options: as the user asked.
        open_estimator: finds 2D keypoints; made anew for every video.
        lift: turns 2D tracks into 3D.
        models: what the two are called, for the manifest.
        limits: how large a video may be.
        listener: hears of progress and finished poses, and may stop the job.
        source_name: the user's name for the video, for the manifest.

    Raises:
        VideoError: the video cannot be used; the subclass says why.
        Canceled: the listener asked to stop.
        ResourceError: memory or disk ran out.
    """
    run = _Run(options, listener)
    run.say(Stage.PROBING)
    facts = probe(video, limits)
    selection = FrameSelection.of(options)
    run.expect(expected_frames(facts, selection))
    with open_estimator(options) as estimator:
        frames = stream_frames(video, facts, selection, run.decoding)
        tracks = run.follow(run.observe(frames, estimator), facts)
        poses = run.lift(tracks, lift, facts.width_px, facts.height_px)
        return run.write(poses, result, Source.of(facts, source_name), models)


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

    Frames without a finite keypoint are frames without the person; short gaps are filled as in a
    video. Options that concern decoding and 2D (stride, times, model) have no effect.

    Raises:
        Canceled: the listener asked to stop.
        ResourceError: memory or disk ran out.
    """
    width_px, height_px = keypoints.width_px, keypoints.height_px
    run = _Run(options.model_copy(update={"max_persons": 1}), listener)
    run.expect(len(keypoints.frame_time_s))
    poses = run.lift(run.follow_file(keypoints), lift, width_px, height_px)
    source = Source(filename=source_name, width_px=width_px, height_px=height_px)
    return run.write(poses, result, source, models)


class _Run:
    """One job on its way: its listener, and what is counted as the frames pass."""

    def __init__(self, options: JobOptions, listener: Listener | None) -> None:
        self.decoding = DecodeReport()
        self._options = options
        self._listener = listener or Listener()
        self._tracking = TrackReport()
        self._scaling = ScaleReport()
        self._meter = ProgressMeter(self._listener.on_progress)
        self._started_s = perf_counter()
        self._first_frame_s: float | None = None

    def say(self, stage: Stage) -> None:
        """Tell the listener what the job is busy with."""
        self._meter.stage(stage)

    def expect(self, frames_total: int | None) -> None:
        """From now on frames are counted, about so many."""
        self._meter.expect(frames_total)

    def observe(
        self, frames: Iterable[Frame], estimator: KeypointEstimator
    ) -> Iterator[Observation]:
        """People in each frame of a video."""
        for frame in self._counted(frames):
            yield Observation(frame.index, frame.time_s, estimator.estimate(frame))

    def follow(self, seen: Iterable[Observation], facts: VideoFacts) -> Iterator[TrackChunk]:
        """Who is who in a video."""
        return follow_persons(
            seen,
            max_persons=self._options.max_persons,
            max_gap_s=self._options.max_gap_s,
            chunk_frames=CHUNK_FRAMES,
            report=self._tracking,
            picture_px=(facts.width_px, facts.height_px),
        )

    def follow_file(self, keypoints: KeypointFile) -> Iterator[TrackChunk]:
        """The one person of the user's own keypoints."""
        return follow_known_person(
            self._observe_file(keypoints),
            max_gap_s=self._options.max_gap_s,
            chunk_frames=CHUNK_FRAMES,
            report=self._tracking,
        )

    def lift(
        self, tracks: Iterable[TrackChunk], lift: LiftsTracks, width_px: int, height_px: int
    ) -> Iterator[PoseChunk]:
        """From who is where in the picture to finished 3D poses."""
        poses = lift(tracks, width_px=width_px, height_px=height_px)
        poses = scale_to_height(poses, height_m=self._options.height_m, report=self._scaling)
        return smooth(poses) if self._options.smoothing else poses

    def write(
        self,
        poses: Iterable[PoseChunk],
        result: Path,
        source: Source,
        models: dict[str, ModelFacts],
    ) -> LiftSummary:
        """Draw all poses through the stages into the result, and say what came out."""
        with ResultWriter(result) as writer:
            for chunk in poses:
                writer.append(chunk)
                self._listener.on_chunk(chunk)
            self.say(Stage.WRITING)
            quality = assess(self._tracking, self.decoding)
            manifest = Manifest(
                source=source,
                scale_source=self._scaling.source,
                scale_factor=self._scaling.factor,
                models=models,
                options=self._options.model_dump(mode="json"),
                software=software_versions(),
                quality=quality,
            )
            writer.finish(manifest)
        self.say(Stage.DONE)
        return LiftSummary(
            frames=quality.frames_used,
            persons=quality.persons,
            first_frame_s=self._first_frame_s or 0.0,
            seconds=perf_counter() - self._started_s,
            quality=quality,
        )

    def _observe_file(self, keypoints: KeypointFile) -> Iterator[Observation]:
        for index in self._counted(range(len(keypoints.frame_time_s))):
            detection = Detection(keypoints.keypoints_px[index], keypoints.confidence[index])
            yield Observation(index, float(keypoints.frame_time_s[index]), [detection])

    def _counted(self, items: Iterable[Counted]) -> Iterator[Counted]:
        """Pass things on, counting them; between any two the listener may stop the job."""
        for item in items:
            if self._listener.should_stop():
                raise Canceled("The job was stopped on request.")
            if self._first_frame_s is None:
                self._first_frame_s = perf_counter() - self._started_s
            yield item
            self._meter.advance()
