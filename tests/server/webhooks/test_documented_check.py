"""The few lines that the guide gives to receivers do what they say."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from server.webhooks.signing import SigningKeys
from tests.server.webhooks.receiver import SECRET

GUIDE = Path(__file__).parents[3] / "docs" / "webhooks.md"
BODY = b'{"type": "job.succeeded"}'
OTHER = "whsec_" + 40 * "A"


@pytest.fixture(scope="module")
def is_ours() -> Callable[[str, dict[str, str], bytes], bool]:
    found = re.search(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert found is not None
    names: dict[str, Callable[[str, dict[str, str], bytes], bool]] = {}
    exec(found[1], names)  # noqa: S102 - our own guide
    return names["is_ours"]


def headers(secret: str = SECRET, age_s: int = 0) -> dict[str, str]:
    return SigningKeys.parse(secret).headers("msg_1", int(time.time()) - age_s, BODY)


def test_ours(is_ours) -> None:
    assert is_ours(SECRET, headers(), BODY)
    assert is_ours(SECRET, headers(f"{OTHER} {SECRET}"), BODY)


def test_not_ours(is_ours) -> None:
    assert not is_ours(SECRET, headers(OTHER), BODY)
    assert not is_ours(SECRET, headers(), BODY + b" ")
    assert not is_ours(SECRET, headers() | {"webhook-id": "msg_2"}, BODY)
    assert not is_ours(SECRET, headers(age_s=600), BODY)
