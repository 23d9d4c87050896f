"""What a job does to its frames, stage by stage, with a listener and counters on the way."""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol, TypeVar, runtime_checkable

from core.cameras import Camera
from core.chunks import PoseChunk, TrackChunk
from core.contracts import JobOptions, Progress, Stage
from core.errors import Canceled
from core.keypoints.files import KeypointFile
from core.keypoints.protocol import Detection, KeypointEstimator, LooksAhead
from core.progress import ProgressMeter
from core.quality.assessment import assess
from core.quality.watch import QualityWatch
from core.results.manifest import Manifest, ModelFacts, Quality, Source, software_versions
from core.results.reader import ResultWriter
from core.scale import ScaleReport, scale_to_height
from core.smoothing import smooth
from core.tracking.tracks import Observation, TrackReport, follow_known_person, follow_persons
from core.video.frames import DecodeReport, Frame, VideoFacts

CHUNK_FRAMES = 64
"""Frames that travel together behind the 2D stage; about two seconds of video."""

Counted = TypeVar("Counted")


@runtime_checkable
class LiftsTracks(Protocol):
    """The lifter with its device and memory budget already bound."""

    def __call__(
        self, chunks: Iterable[TrackChunk], *, camera: Camera, is_alone: Callable[[], bool]
    ) -> Iterator[PoseChunk]:
        """Lift everybody in the tracks; raises ``OutOfMemory`` if one window does not fit.

        ``is_alone`` tells whether nothing else of the job is at work any more.
        """
        ...


@dataclass(frozen=True)
class Listener:
    """Who wants to know while a job runs, and who may stop it.

    Attributes:
        on_progress: told a few times a second.
        on_chunk: given every finished stretch of poses, in order.
        should_stop: asked at every frame, and while a video is read up to the next frame that is
            used; true ends the job with ``Canceled``.
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
        first_frame_s: from the start of the job until there was a picture to search for people.
        seconds: wall time of the whole job.
        quality: as in the result's manifest.
    """

    frames: int
    persons: int
    first_frame_s: float
    seconds: float
    quality: Quality


class Stages:
    """The stages of one job, in the order of its methods; most are generators."""

    def __init__(self, options: JobOptions, listener: Listener | None) -> None:
        self.decoding = DecodeReport()
        self.quality = QualityWatch()
        self._options = options
        self._listener = listener or Listener()
        self._tracking = TrackReport()
        self._scaling = ScaleReport()
        self._meter = ProgressMeter(self._listener.on_progress)
        self._started_s = perf_counter()
        self._first_frame_s: float | None = None
        self._lifts_alone = False

    def say(self, stage: Stage) -> None:
        """Tell the listener what the job is busy with."""
        self._meter.stage(stage)

    def tick(self) -> None:
        """Work goes on, with or without a new frame; here the listener may stop the job."""
        self.heed()
        self._meter.tick()

    def heed(self) -> None:
        """Stop if the listener wants that."""
        if self._listener.should_stop():
            raise Canceled("The job was stopped on request.")

    def expect(self, frames_total: int | None) -> None:
        """From now on frames are counted, about so many."""
        self._meter.expect(frames_total)

    def observe(
        self, frames: Iterable[Frame], estimator: KeypointEstimator
    ) -> Generator[Observation]:
        """People in each frame of a video, by one estimator from its start to its end."""
        counted = self.counted(frames)
        seen = (
            estimator.observe(counted)
            if isinstance(estimator, LooksAhead)
            else ((frame, estimator.estimate(frame)) for frame in counted)
        )
        for frame, people in seen:
            yield Observation(frame.index, frame.time_s, people)

    def counted(self, items: Iterable[Counted]) -> Generator[Counted]:
        """Pass things on, counting them; between any two the listener may stop the job."""
        for item in items:
            self.tick()
            self.has_picture()
            yield item
            self._meter.advance()
        self.only_lifts()

    def known(self, items: Iterable[Counted]) -> Generator[Counted]:
        """Pass on what an earlier attempt has counted; between any two the job may be stopped."""
        for item in items:
            self.tick()
            yield item
            self._meter.known()

    def only_lifts(self) -> None:
        """Nothing is left to be searched for people; lifting may have all cores."""
        self._lifts_alone = True

    def has_picture(self) -> None:
        """There is a picture to search for people; only the first one is news. For any thread."""
        if self._first_frame_s is None:
            self._first_frame_s = perf_counter() - self._started_s

    def follow(self, seen: Iterable[Observation], facts: VideoFacts) -> Iterator[TrackChunk]:
        """Who is who in a video."""
        return follow_persons(
            self.quality.camera.people(seen, facts),
            max_persons=self._options.max_persons,
            max_gap_s=self._options.max_gap_s,
            chunk_frames=CHUNK_FRAMES,
            report=self._tracking,
            picture_px=(facts.width_px, facts.height_px),
        )

    def follow_file(self, keypoints: KeypointFile) -> Iterator[TrackChunk]:
        """The one person of the user's own keypoints."""
        self.only_lifts()
        return follow_known_person(
            self._observe_file(keypoints),
            max_gap_s=self._options.max_gap_s,
            chunk_frames=CHUNK_FRAMES,
            report=self._tracking,
        )

    def lift(
        self, tracks: Iterable[TrackChunk], lift: LiftsTracks, camera: Camera
    ) -> Iterator[PoseChunk]:
        """From who is where in the picture to finished 3D poses."""
        poses = lift(tracks, camera=camera, is_alone=lambda: self._lifts_alone)
        poses = scale_to_height(poses, height_m=self._options.height_m, report=self._scaling)
        poses = self.quality.unsmoothed(poses, camera.width_px, camera.height_px)
        return smooth(poses) if self._options.smoothing else poses

    def write(
        self,
        poses: Iterable[PoseChunk],
        result: Path,
        source: Source,
        camera: Camera,
        models: dict[str, ModelFacts],
        asked: dict[str, Any],
    ) -> LiftSummary:
        """Draw all poses through the stages into the result, and say what came out."""
        with ResultWriter(result) as writer:
            for chunk in poses:
                writer.append(chunk)
                self.quality.written(chunk)
                self._listener.on_chunk(chunk)
            self.say(Stage.WRITING)
            quality = assess(self._tracking, self.decoding, self.quality.measured())
            manifest = Manifest(
                source=source,
                focal_length_px=camera.focal_px,
                focal_length_source=camera.focal_source,
                scale_source=self._scaling.source,
                scale_factor=self._scaling.factor,
                models=models,
                options=asked,
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
        for index in self.counted(range(len(keypoints.frame_time_s))):
            detection = Detection(keypoints.keypoints_px[index], keypoints.confidence[index])
            yield Observation(index, float(keypoints.frame_time_s[index]), [detection])
