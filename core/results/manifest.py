"""What a result says about itself: where it came from, what its numbers mean, how good it is.

It is part of the result file, and equal runs must give equal files: so it holds no times of day,
durations or host names. Those belong to the job record.
"""

from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict

from core.cameras import FocalSource
from core.results.schema import SCHEMA_VERSION
from core.scale import ScaleSource
from core.video.frames import VideoFacts

SOFTWARE = (
    "poselift", "numpy", "torch", "mediapipe", "ai-edge-litert", "opencv-contrib-python", "av"
)  # fmt: skip
"""Distributions whose versions can change the numbers."""


class _Part(BaseModel):
    # A later release may add fields within the same schema version: keep them, do not refuse.
    model_config = ConfigDict(frozen=True, extra="allow")


def _as_text(name: str) -> str:
    """File names on Linux are bytes and may hold what is no text, which becomes ``?``."""
    return name.encode("utf-8", "replace").decode()


_Name = Annotated[str, AfterValidator(_as_text)]


class Source(_Part):
    """The video, or the 2D keypoints a user brought (then without codec and container)."""

    filename: _Name | None = None
    width_px: int
    height_px: int
    rotation_deg: int = 0
    stored_width_px: int | None = None
    stored_height_px: int | None = None
    codec: str | None = None
    container: str | None = None
    average_fps: float | None = None
    duration_s: float | None = None
    start_s: float = 0.0
    has_audio: bool = False

    @classmethod
    def of(cls, facts: VideoFacts, filename: str | None = None) -> Self:
        return cls(
            filename=filename,
            width_px=facts.width_px,
            height_px=facts.height_px,
            rotation_deg=facts.rotation_deg,
            stored_width_px=facts.stored_width_px,
            stored_height_px=facts.stored_height_px,
            codec=facts.codec,
            container=facts.container,
            average_fps=facts.average_fps,
            duration_s=facts.duration_s,
            start_s=facts.start_s,
            has_audio=facts.has_audio,
        )


class Units(_Part):
    """Of every array that has one."""

    joints_3d: str = "m"
    joints_3d_sigma: str = "m"
    keypoints_2d: str = "px"
    frame_time_s: str = "s"


class Axes(_Part):
    """Directions: of the 3D joints in the camera's frame, of the keypoints in the upright frame."""

    x: str = "right"
    y: str = "down"
    z: str = "away from the camera"
    keypoints_x: str = "right"
    keypoints_y: str = "down"
    keypoints_origin: str = "top left corner of the upright frame"


class ModelFacts(_Part):
    """One network, by name and by the SHA-256 of its file in hex.

    Attributes:
        sigma_radii: of a lifter whose sigma was measured on people it never saw: the true joint
            lies within so many sigmas in this share of all cases ("0.8": 2.1, say).
    """

    name: _Name
    sha256: str
    sigma_radii: dict[str, float] | None = None


class Quality(_Part):
    """How far to trust the numbers.

    Attributes:
        frames_used: T of the result.
        persons: P of the result; 0 means that nobody was seen.
        observed_share: of all frames of all people who appear, how many were seen, in [0, 1].
        interpolated_share: how many were filled between two sightings, in [0, 1].
        low_confidence_share: of the seen ones, how many were seen badly, in [0, 1].
        reentries: how often somebody came back after a gap; they may be another person.
        decode_errors: pictures and packets that were damaged and left out.
        times_repaired: frames whose stored time was missing or not later than the one before.
        truncated: the file ends before it should; what was there was used.
        fps: used frames a second, on average.
        step_variation: of the time between used frames, standard deviation over mean.
        person_px: the longer side of a person's keypoints, on average.
        feet_cut_off_share: of the poses, those with neither foot in the picture or known.
        foot_slide_m: how far feet that stand slide in the result, root mean square, metres.
        shaking_share: of the poses, those that shook from frame to frame before smoothing.
        camera_moved_share: of the half seconds, those in which the camera moved.
        notes: stable codes of what else is worth knowing, see ``docs/quality.md``.
        tracks: details of how the people were followed.
    """

    frames_used: int = 0
    persons: int = 0
    observed_share: float = 0.0
    interpolated_share: float = 0.0
    low_confidence_share: float = 0.0
    reentries: int = 0
    decode_errors: int = 0
    times_repaired: int = 0
    truncated: bool = False
    fps: float | None = None
    step_variation: float | None = None
    person_px: float | None = None
    feet_cut_off_share: float = 0.0
    foot_slide_m: float | None = None
    shaking_share: float | None = None
    camera_moved_share: float | None = None
    notes: tuple[str, ...] = ()
    tracks: dict[str, Any] = {}


class Manifest(_Part):
    """Everything about a result but the arrays; stored in it as JSON.

    Attributes:
        focal_length_px: of the lens, in pixels of the upright frame; None in results of releases
            that always assumed it.
        focal_length_source: who said so. Very long ones are lifted as shorter: docs/lens.md.
        scale_source: why a metre is a metre; a single camera cannot tell size from distance.
        scale_factor: what the lifter's own metres were multiplied with.
        models: by what they do, such as ``keypoints`` and ``lifter``.
        options: of the job, as validated; for 2D keypoints a user brought, those that matter there.
        software: versions by distribution name.
    """

    schema_version: int = SCHEMA_VERSION
    source: Source
    units: Units = Units()
    axes: Axes = Axes()
    origin: str = "pelvis"
    focal_length_px: float | None = None
    focal_length_source: FocalSource = FocalSource.ASSUMED
    scale_source: ScaleSource = ScaleSource.MODEL_PRIOR
    scale_factor: float = 1.0
    models: dict[str, ModelFacts] = {}
    options: dict[str, Any] = {}
    software: dict[str, str] = {}
    quality: Quality = Quality()


def software_versions(distributions: Iterable[str] = SOFTWARE) -> dict[str, str]:
    """Versions by name; ``unknown`` for what runs from a source tree without being installed."""
    return {name: _version(name) for name in distributions}


@cache
def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"
