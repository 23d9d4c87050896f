"""What one worker process must know, read once at its start from ``POSELIFT_...`` variables."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.box.sandbox import Sandbox
from core.errors import ConfigInvalid
from core.event_log.lines import LogFormat
from core.store.opening import ResultStore


class Device(StrEnum):
    """What the networks run on; ``auto`` takes a GPU if there is one."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class LifterBackend(StrEnum):
    """What computes the lifter; ONNX Runtime only on the CPU."""

    TORCH = "torch"
    ONNX = "onnx"


class PoseBackend(StrEnum):
    """What computes the 2D networks; ``auto`` is PyTorch on a GPU, else LiteRT."""

    AUTO = "auto"
    LITERT = "litert"
    MEDIAPIPE = "mediapipe"
    TORCH = "torch"


class DecodeOn(StrEnum):
    """What decodes videos."""

    CPU = "cpu"
    AUTO = "auto"


class WorkerSettings(BaseSettings):
    """Process settings of a worker. Server and workers must agree on where things are kept."""

    model_config = SettingsConfigDict(env_prefix="POSELIFT_", frozen=True, extra="ignore")

    redis_url: str = "redis://127.0.0.1:6379/0"
    data_dir: Path = Path("data")
    """Uploads, results and scratch files; a folder shared with the server unless in Redis."""
    result_store: ResultStore = ResultStore.DISK
    retention_s: Annotated[float, Field(gt=0)] = 7 * 86_400.0
    """How long a finished job and its files are kept."""

    device: Device = Device.AUTO
    vram_budget_mib: Annotated[int | None, Field(ge=64)] = None
    """GPU memory for one slot; left out, most of what is free when it starts."""
    host_budget_mib: Annotated[int | None, Field(ge=64)] = None
    """Memory for lifting on the CPU."""
    checkpoint: Path | None = None
    """Another lifter than the one that comes with PoseLift."""
    lifter_backend: LifterBackend = LifterBackend.TORCH
    """``onnx`` needs the extra ``export``."""
    pose_backend: PoseBackend = PoseBackend.LITERT
    """Not ``auto`` as long as PyTorch's way has been proven on CPUs alone."""
    cache_dir: Path | None = None
    """Where fetched model files are kept."""
    pose_task: Path | None = None
    """A MediaPipe ``.task`` bundle of your own, instead of the fetched ones."""

    threads: Annotated[int | None, Field(ge=1)] = None
    """How many search one video for people side by side; as many as there are cores by default. A
    launcher of several slots gives each its share."""

    sandbox: Sandbox = Sandbox.AUTO
    """Decode each video and picture in a process of its own, with limits and without files and
    network: ``auto`` with all that this system has for it, ``require`` with every wall or not at
    all, ``off``."""
    decoder_memory_mib: Annotated[int | None, Field(ge=256)] = None
    """Memory for decoding one file in such a process; 4096 by default."""
    decode_on: DecodeOn = DecodeOn.CPU
    """``auto`` decodes on the GPU whatever it decodes faster, and needs ``POSELIFT_SANDBOX=off``: a
    decoder's process has no GPU. Not the default as long as it has been proven on CPUs alone."""

    job_timeout_s: Annotated[float, Field(gt=0)] = 48 * 3600.0
    """Ten hours of video on a slow processor take more than a day."""
    stall_timeout_s: Annotated[float, Field(gt=0)] = 900.0
    """A job without any progress for this long is given up."""
    max_failures: Annotated[int, Field(ge=1)] = 3
    """A job that the machine failed is tried again, until it failed so often. Stopping a worker
    is no failure."""
    max_losses: Annotated[int, Field(ge=1)] = 3
    """A job during which so many workers died, without having got farther, is given up."""
    lease_s: Annotated[float, Field(ge=2)] = 30.0
    """A job whose worker died goes to another one after this long."""
    stuck_s: Annotated[float, Field(gt=0)] = 60.0
    """A job that ignores the request to stop for this long takes its process with it."""
    log_level: str = "INFO"
    log_format: LogFormat = LogFormat.TEXT
    """``text`` for people at a terminal, ``json`` for whoever collects logs."""

    @classmethod
    def read(cls, **given: Any) -> Self:  # noqa: ANN401 - any field, by name
        """The environment's values, with those given here in place of them.

        Raises:
            ConfigInvalid: a value is wrong; names the variable.
        """
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = "_".join(str(part) for part in first["loc"]).upper()
            raise ConfigInvalid(f"POSELIFT_{name}: {first['msg']}.") from None
