"""What the server process must know, read once at its start from ``POSELIFT_...`` variables."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import ConfigInvalid
from core.store.opening import ResultStore


class ServerSettings(BaseSettings):
    """Process settings of a server. Server and workers must agree on where things are kept."""

    model_config = SettingsConfigDict(env_prefix="POSELIFT_", frozen=True, extra="ignore")

    redis_url: str = "redis://127.0.0.1:6379/0"
    data_dir: Path = Path("data")
    """Uploads and results; a folder shared with the workers unless they are in Redis."""
    result_store: ResultStore = ResultStore.DISK
    retention_s: Annotated[float, Field(gt=0)] = 7 * 86_400.0
    """How long a finished job and its files are kept."""
    disk_reserve_bytes: Annotated[int, Field(ge=0)] = 256 << 20
    """Uploads that would leave less than this free on the disk are refused."""

    upload_limit_bytes: Annotated[int, Field(ge=1)] = 4 << 30
    max_queue: Annotated[int, Field(ge=0)] = 10_000
    """How many jobs may wait; more are refused until some have been worked off."""

    image_limit_bytes: Annotated[int, Field(ge=1)] = 32 << 20
    """Largest picture for ``POST /poses``."""
    poses_wait_s: Annotated[float, Field(gt=0, le=30)] = 5.0
    """How long ``POST /poses`` waits for a worker."""
    max_poses: Annotated[int, Field(ge=1)] = 8
    """How many pictures may be waited for at the same time."""

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
