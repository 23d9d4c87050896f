"""What server and worker say to each other: job options, states, progress, the job record.

Plain types without heavy imports: the server, the worker and the command line all stand on these.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import LiftError, OptionError, OptionOutOfRange, OptionUnknown
from core.lenses import LONGEST_35MM, SHORTEST_35MM

LIFT_JOB = "worker.jobs.lift"
"""Wire format: the one function a worker runs for a video, named in every queued message."""
POSE_JOB = "worker.jobs.pose"
"""Wire format: the one function a worker runs for a single picture (``POST /poses``)."""
LIFT_QUEUE = "poselift"
POSE_QUEUE = "poselift-poses"


class PoseModel(StrEnum):
    """Size of the 2D landmark network: slower is better."""

    LITE = "lite"
    FULL = "full"
    HEAVY = "heavy"


class JobOptions(BaseModel):
    """How one video is to be lifted. Frozen, validated at the edge, saved in the result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pose_model: Annotated[
        PoseModel, Field(description="2D network: `lite` is fastest, `heavy` most accurate.")
    ] = PoseModel.FULL
    max_persons: Annotated[
        int,
        Field(ge=1, le=4, description="How many people to follow; 1 follows the main person."),
    ] = 1
    stride: Annotated[
        int, Field(ge=1, le=1000, description="Use every n-th frame of the video.")
    ] = 1
    max_fps: Annotated[
        float | None,
        Field(gt=0, le=1000, description="Skip frames so that at most this many a second remain."),
    ] = None
    start_s: Annotated[
        float, Field(ge=0, le=1e6, description="Skip the video before this time, in seconds.")
    ] = 0.0
    end_s: Annotated[
        float | None, Field(gt=0, le=1e6, description="Stop at this time, in seconds.")
    ] = None
    height_m: Annotated[
        float | None,
        Field(ge=0.4, le=2.6, description="The person's height in metres, which sets the scale."),
    ] = None
    focal_length_px: Annotated[
        float | None,
        Field(
            ge=10,
            le=1e6,
            description="The lens: focal length in pixels of the full-size upright frame, as a "
            "calibration gives it.",
        ),
    ] = None
    focal_length_35mm: Annotated[
        float | None,
        Field(
            ge=SHORTEST_35MM,
            le=LONGEST_35MM,
            description="The lens: its 35-mm equivalent in mm, as data sheets of cameras and "
            "phones have it; the frame's longer side counts as 36 mm.",
        ),
    ] = None
    smoothing: Annotated[
        bool, Field(description="Smooth the 3D joints over time, without delaying them.")
    ] = True
    max_gap_s: Annotated[
        float,
        Field(ge=0, le=5, description="Interpolate over missing detections up to this long."),
    ] = 0.5

    @model_validator(mode="after")
    def _range_is_ordered(self) -> Self:
        if self.end_s is not None and self.end_s <= self.start_s:
            raise ValueError("end_s must be later than start_s")
        return self

    @model_validator(mode="after")
    def _lens_is_told_once(self) -> Self:
        if self.focal_length_px is not None and self.focal_length_35mm is not None:
            raise ValueError("give focal_length_px or focal_length_35mm, not both")
        return self

    @classmethod
    def parse(cls, fields: dict[str, Any]) -> Self:
        """Validate what a user sent; numbers may come as text.

        Raises:
            OptionUnknown: there is no such option; names the nearest one.
            OptionOutOfRange: a value is out of range or of the wrong kind; names the option.
        """
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            raise _explain(error, list(cls.model_fields)) from None


def _explain(error: ValidationError, known: list[str]) -> OptionError:
    from difflib import get_close_matches

    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else "options"
    if first["type"] == "extra_forbidden":
        near = get_close_matches(name, known, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else f" Options are: {', '.join(known)}."
        return OptionUnknown(f"There is no option '{name[:80]}'.{hint}")
    message = first["msg"].removeprefix("Value error, ")
    return OptionOutOfRange(f"Option '{name}': {message[0].lower()}{message[1:]}.")


class JobState(StrEnum):
    """Where a job stands. ``expired`` is a finished job whose files are gone."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING)


class Stage(StrEnum):
    """What a job is busy with. 2D and lifting overlap, so they are one stage."""

    WAITING = "waiting"
    PROBING = "probing"
    LIFTING = "lifting"
    WRITING = "writing"
    DONE = "done"


class Progress(BaseModel):
    """How far a job is. ``frames_total`` is an estimate from the container, or unknown."""

    model_config = ConfigDict(frozen=True)

    stage: Stage = Stage.WAITING
    frames_done: int = 0
    frames_total: int | None = None
    fps: float | None = None
    eta_s: float | None = None
    queue_position: int | None = None


class JobError(BaseModel):
    """Why a job failed, in words a client may show."""

    model_config = ConfigDict(frozen=True)

    code: str
    title: str
    detail: str
    retriable: bool

    @classmethod
    def of(cls, error: LiftError) -> Self:
        return cls(
            code=error.code, title=error.title, detail=error.detail, retriable=error.retriable
        )


class BlobFacts(BaseModel):
    """A stored file: how long it is, and its SHA-256 in hex."""

    model_config = ConfigDict(frozen=True)

    size_bytes: int
    sha256: str


class WebhookState(StrEnum):
    """Whether a job's webhook was told that the job ended."""

    WAITING = "waiting"
    """The job has not ended."""
    PENDING = "pending"
    """To be sent, or to be sent again."""
    DELIVERED = "delivered"
    GONE = "gone"
    """The receiver answered 410: it wants no more."""
    FAILED = "failed"
    """Every attempt failed."""


class WebhookProgress(BaseModel):
    """What came of telling a job's webhook so far."""

    model_config = ConfigDict(frozen=True)

    state: WebhookState
    attempts: Annotated[int, Field(description="How many were begun.")] = 0
    next_attempt_at: datetime | None = None
    last_status: Annotated[
        int | None, Field(description="The HTTP status that the last attempt was answered with.")
    ] = None
    last_error: Annotated[
        str | None, Field(description="Why it got no answer, such as `timeout`.")
    ] = None


class JobRecord(BaseModel):
    """The truth about one job, as the ledger keeps it."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: JobState
    options: JobOptions
    filename: str
    upload: BlobFacts
    owner: str | None = None
    """Id of the API key that sent it, whose job alone it is; None where no keys were in use."""
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime
    attempt: int = 0
    worker: str | None = None
    cancel_requested: bool = False
    progress: Progress = Progress()
    error: JobError | None = None
    result: BlobFacts | None = None
    persons: int | None = None
    """How many people the finished result holds; 0 is a success that found nobody."""
    webhook_url: Annotated[str | None, Field(repr=False)] = None
    """Whom to tell when the job ends. It may hold secrets, so clients are not shown it."""
    webhook: WebhookProgress | None = None
    """None if nobody is to be told."""


Point = tuple[float, float]
Joint = tuple[float, float, float]


class PersonPose(BaseModel):
    """One person in one picture: what `POST /poses` answers with, joints in skeleton order."""

    model_config = ConfigDict(frozen=True)

    joints_3d: Annotated[
        list[Joint | None],
        Field(description="28 joints in metres from the pelvis: x right, y down, z away."),
    ]
    joints_3d_sigma: Annotated[
        list[float | None],
        Field(description="How far each joint may be off: one standard deviation, metres."),
    ]
    keypoints_2d: Annotated[
        list[Point | None], Field(description="33 keypoints in pixels of the upright picture.")
    ]
    keypoints_confidence: Annotated[
        list[float | None], Field(description="How sure each keypoint is, from 0 to 1.")
    ]
