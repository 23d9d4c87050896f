"""What clients see of jobs: the ledger's record in the API's words."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from core.contracts import (
    BlobFacts,
    JobError,
    JobOptions,
    JobRecord,
    JobState,
    PersonPose,
    Progress,
    WebhookProgress,
)


class JobLinks(BaseModel):
    """Where to go from here."""

    self: str
    events: Annotated[str, Field(description="Server-sent events until the job ends.")]
    frames: Annotated[str, Field(description="Finished frames as JSON, also while it runs.")]
    result: Annotated[str | None, Field(description="The `.npz`, once there is one.")] = None


class JobView(BaseModel):
    """One job as it stands now."""

    id: str
    state: JobState
    filename: str
    options: JobOptions
    upload: BlobFacts
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: Annotated[datetime, Field(description="When its files go; later once it ended.")]
    attempt: Annotated[int, Field(description="How many times it was begun.")]
    cancel_requested: bool
    progress: Progress
    persons: Annotated[int | None, Field(description="How many people the result holds.")]
    error: Annotated[JobError | None, Field(description="Why it failed.")]
    result: Annotated[BlobFacts | None, Field(description="Size and hash of the `.npz`.")]
    webhook: Annotated[
        WebhookProgress | None, Field(description="Whether its webhook was told that it ended.")
    ] = None
    links: JobLinks

    @classmethod
    def of(cls, record: JobRecord, root: str) -> "JobView":
        """The view of a record.

        Args:
            record: the ledger's.
            root: path under which the API is mounted, without a slash at its end.
        """
        here = f"{root}/jobs/{record.id}"
        has_result = record.state is JobState.SUCCEEDED
        links = JobLinks(
            self=here,
            events=f"{here}/events",
            frames=f"{here}/frames",
            result=f"{here}/result" if has_result else None,
        )
        shown = record.model_dump(exclude={"worker", "webhook_url"}) | {"links": links}
        return cls.model_validate(shown)


class JobPage(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobView]
    next: Annotated[str | None, Field(description="Cursor of the next page, if there is one.")]


class PersonInFrame(BaseModel):
    """One person in one frame. A joint is null where it is not known."""

    track_id: Annotated[int, Field(description="The same person keeps the same number.")]
    observed: Annotated[bool, Field(description="False where interpolated over a short gap.")]
    joints_3d: Annotated[
        list[tuple[float, float, float] | None],
        Field(description="28 joints in metres from the pelvis: x right, y down, z away."),
    ]
    joints_3d_sigma: Annotated[
        list[float | None], Field(description="One standard deviation of each joint, metres.")
    ]


class FrameView(BaseModel):
    """Everybody in one frame of the video."""

    index: Annotated[int, Field(description="Position among the used frames, from 0.")]
    frame_index: Annotated[int, Field(description="Position among the file's decoded frames.")]
    time_s: float
    persons: list[PersonInFrame]


class FramePage(BaseModel):
    """Finished frames of a job, in order."""

    job_id: str
    state: JobState
    start: int
    stop: Annotated[int, Field(description="One past the last frame here.")]
    frames_available: Annotated[int, Field(description="How many are finished by now.")]
    frames: list[FrameView]
    next: Annotated[
        str | None, Field(description="Where to go on; null once there is nothing more to come.")
    ]


class Poses(BaseModel):
    """Everybody in one picture."""

    persons: list[PersonPose]
