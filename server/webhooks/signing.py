"""Signatures by which a receiver knows that a message is ours.

Source: Standard Webhooks 1.0, https://www.standardwebhooks.com.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)
_LARGEST_FILE_BYTES = 4096


@dataclass(frozen=True)
class SigningKeys:
    """The operator's secrets. While one replaces another, messages are signed with both."""

    keys: Sequence[bytes] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read secrets, separated by white space.

        Raises:
            ValueError: one is not ``whsec_`` and 24 to 64 bytes in base64. It is not repeated here.
        """
        keys = tuple(_key(secret) for secret in text.split())
        if not keys:
            raise ValueError("holds no secret")
        return cls(keys)

    def signature(self, message_id: str, timestamp_s: int, body: bytes) -> str:
        """The value of ``webhook-signature``: one part for each key."""
        signed = f"{message_id}.{timestamp_s}.".encode() + body
        digests = (hmac.digest(key, signed, "sha256") for key in self.keys)
        return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)

    def headers(self, message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
        """What a signed request carries.

        Args:
            message_id: the same for every attempt, so that a receiver can tell a repetition.
            timestamp_s: of the attempt, in seconds since 1970.
            body: the very bytes that are sent.
        """
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp_s),
            "webhook-signature": self.signature(message_id, timestamp_s, body),
        }


def secret_in_file(path: object) -> object:
    """The content of a file that holds a secret, for a setting that names it.

    Raises:
        ValueError: it cannot be read.
    """
    if not isinstance(path, str | Path) or not str(path):
        return None
    try:
        with Path(path).open(encoding="ascii") as file:
            return file.read(_LARGEST_FILE_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the file cannot be read: {type(error).__name__}") from None


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(_PREFIX) or len(key) not in _KEY_BYTES:
        raise ValueError(
            "a secret is 'whsec_' and 24 to 64 random bytes in base64; make one with: "
            "echo whsec_$(openssl rand -base64 32)"
        )
    return key
