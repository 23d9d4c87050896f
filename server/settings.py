"""What the server process must know, read once at its start from ``POSELIFT_...`` variables."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core.errors import ConfigInvalid
from core.event_log.lines import LogFormat
from core.store.opening import ResultStore
from server.webhooks.signing import SigningKeys, secret_in_file


def _signs(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None and secret.get_secret_value():
        SigningKeys.parse(secret.get_secret_value())
    return secret


def _split(text: Any) -> Any:  # noqa: ANN401 - whatever was given
    return (
        tuple(part.strip() for part in text.split(",") if part.strip())
        if isinstance(text, str)
        else text
    )


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Several words, apart by commas."""


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

    sweep_every_s: Annotated[float, Field(gt=0)] = 30.0
    """How often expired files and what dead uploads left are removed; workers do so as well."""

    upload_limit_bytes: Annotated[int, Field(ge=1)] = 4 << 30
    max_queue: Annotated[int, Field(ge=0)] = 10_000
    """How many jobs may wait; more are refused until some have been worked off."""

    insecure: bool = False
    """Whether other machines may ask although there are no API keys."""
    allowed_hosts: Listed = ()
    """Names that the server goes by, such as ``poses.example.org`` or ``*.example.org``.

    Without any: every name on addresses that other machines can reach, ``localhost`` and numbers on
    the loopback one.
    """
    cors_origins: Listed = ()
    """Web pages of other sites that may use the API, such as ``https://lab.example.org``."""
    uploads_per_minute: Annotated[int, Field(ge=0)] = 1200
    """By one key, or by one address where there are no keys; 0 allows any number."""
    max_queue_per_key: Annotated[int, Field(ge=1)] = 1000
    """How many jobs of one key may wait."""

    max_uploads: Annotated[int, Field(ge=1)] = 500
    """How many videos may be on their way in at the same time, in each process."""
    upload_stall_s: Annotated[float, Field(gt=0)] = 30.0
    """After this long of waiting for a client it is looked whether enough has come."""
    upload_min_bytes_per_s: Annotated[float, Field(gt=0)] = 1024.0
    """An upload that brings less than this is given up."""
    idempotency_lease_s: Annotated[float, Field(ge=1)] = 20.0
    """A key whose server died in the middle of a request can be used again after this long."""

    log_format: LogFormat = LogFormat.TEXT
    """``text`` for people at a terminal, ``json`` for whoever collects logs."""

    image_limit_bytes: Annotated[int, Field(ge=1)] = 32 << 20
    """Largest picture for ``POST /poses``."""
    poses_wait_s: Annotated[float, Field(gt=0, le=30)] = 5.0
    """How long ``POST /poses`` waits for a worker."""
    max_poses: Annotated[int, Field(ge=1)] = 8
    """How many pictures may be waited for at the same time."""

    webhook_secret: Annotated[SecretStr | None, AfterValidator(_signs)] = None
    """Signs webhooks: ``whsec_`` and base64, several apart by spaces. Without one none are sent."""
    webhook_secret_file: Annotated[
        SecretStr | None, BeforeValidator(secret_in_file), AfterValidator(_signs)
    ] = None
    """The same in a file: the variable names the file, this is its content."""
    webhook_allow_private: bool = False
    """Whether webhooks may go to private addresses and to this machine, and do without TLS."""

    @property
    def webhook_keys(self) -> SigningKeys | None:
        """What webhooks are signed with; None if none are sent."""
        secrets = (self.webhook_secret, self.webhook_secret_file)
        texts = [secret.get_secret_value() for secret in secrets if secret is not None]
        text = " ".join(texts).strip()
        return SigningKeys.parse(text) if text else None

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
