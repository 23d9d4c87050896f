"""Bytes that begin like videos; the server looks no further."""

import os
from typing import Any

MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + os.urandom(4000)
WEBM = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\x82\x84webm" + os.urandom(4000)
AVI = b"RIFF\x00\x10\x00\x00AVI LIST" + os.urandom(4000)
TS = b"".join(b"\x47" + os.urandom(187) for _ in range(20))


def of_size(size_bytes: int) -> bytes:
    return MP4[:32] + bytes(size_bytes - 32)


def code(response: Any) -> tuple[int, str]:
    """Status and code of a refusal, once its form is checked."""
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["status"] == response.status_code
    assert problem["type"] == f"urn:poselift:problem:{problem['code']}"
    assert problem["title"]
    assert problem["detail"].endswith((".", "?", "mp4", "jpg")), problem["detail"]
    assert "Traceback" not in response.text
    return response.status_code, problem["code"]
