"""Downloads: whole, in part, conditional, and checkable."""

import base64
import os
from hashlib import sha256

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.server.clips import MP4, code
from tests.server.fake_worker import FakeWorker

CONTENT = os.urandom(2_500_000)
ETAG = f'"{sha256(CONTENT).hexdigest()}"'
DIGEST = f"sha-256=:{base64.b64encode(sha256(CONTENT).digest()).decode()}:"


@pytest.fixture
def result(api: httpx.Client, worker: FakeWorker) -> str:
    job_id = api.post("/jobs", content=MP4, params={"filename": "Läufer 1.mp4"}).json()["id"]
    worker.succeed(job_id, CONTENT)
    return f"/jobs/{job_id}/result"


def test_whole(api: httpx.Client, result: str) -> None:
    for _ in range(2):  # asked for twice, there twice
        answer = api.get(result)
        assert answer.status_code == 200
        assert answer.content == CONTENT
        assert answer.headers["etag"] == ETAG
        assert answer.headers["content-digest"] == answer.headers["repr-digest"] == DIGEST
        assert answer.headers["accept-ranges"] == "bytes"
        assert answer.headers["content-length"] == str(len(CONTENT))
        assert answer.headers["content-disposition"] == (
            "attachment; filename=\"Laufer 1.pose.npz\"; filename*=UTF-8''L%C3%A4ufer%201.pose.npz"
        )


def test_head(api: httpx.Client, result: str) -> None:
    whole, head = api.get(result), api.head(result)
    assert (head.status_code, head.content) == (200, b"")
    same = ("etag", "content-length", "repr-digest", "content-type", "content-disposition")
    assert [head.headers[name] for name in same] == [whole.headers[name] for name in same]
    part = api.head(result, headers={"Range": "bytes=0-9"})  # a range means something to GET only
    assert (part.status_code, part.headers["content-length"]) == (200, str(SIZE))


SIZE = len(CONTENT)


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=2400000-", 2_400_000, SIZE),
        ("bytes=-500", SIZE - 500, SIZE),
        (f"bytes=0-{SIZE * 9}", 0, SIZE),
        (f"bytes=-{SIZE * 9}", 0, SIZE),
    ],
)
def test_part(api: httpx.Client, result: str, asked: str, start: int, stop: int) -> None:
    answer = api.get(result, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == CONTENT[start:stop]
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{SIZE}"
    assert answer.headers["repr-digest"] == DIGEST
    assert "content-digest" not in answer.headers  # it would be of the part


@hypothesis_settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(1, SIZE - 1))
def test_broken_download_goes_on(api: httpx.Client, result: str, reached: int) -> None:
    headers = {"Range": f"bytes={reached}-", "If-Range": ETAG}
    assert CONTENT[:reached] + api.get(result, headers=headers).content == CONTENT


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", "bytes=-0", f"bytes={SIZE * 2}-{SIZE * 3}"])
def test_range_outside(api: httpx.Client, result: str, asked: str) -> None:
    answer = api.get(result, headers={"Range": asked})
    assert code(answer) == (416, "range_not_satisfiable")
    assert answer.headers["content-range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "asked",
    ["bytes=5-2", "bytes=-", "lines=1-2", "bytes=0-1,5-6", "junk", f"bytes={'9' * 5000}-"],
    ids=lambda asked: asked[:12],
)
def test_range_not_understood_gives_all(api: httpx.Client, result: str, asked: str) -> None:
    answer = api.get(result, headers={"Range": asked})
    assert (answer.status_code, len(answer.content)) == (200, SIZE)


def test_range_of_another_version_gives_all(api: httpx.Client, result: str) -> None:
    answer = api.get(result, headers={"Range": "bytes=0-9", "If-Range": '"older"'})
    assert (answer.status_code, len(answer.content)) == (200, SIZE)


@pytest.mark.parametrize("tag", [ETAG, f"W/{ETAG}", f'"other", {ETAG}', "*"])
def test_known_already(api: httpx.Client, result: str, tag: str) -> None:
    answer = api.get(result, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == ETAG


def test_other_version_known(api: httpx.Client, result: str) -> None:
    assert api.get(result, headers={"If-None-Match": '"other"'}).status_code == 200


def test_too_early(api: httpx.Client, worker: FakeWorker) -> None:
    job_id = api.post("/jobs", content=MP4).json()["id"]
    early = api.get(f"/jobs/{job_id}/result")
    assert code(early) == (409, "result_not_ready")
    assert early.headers["retry-after"] == "1"
    worker.claim(job_id)
    assert code(api.get(f"/jobs/{job_id}/result")) == (409, "result_not_ready")


def test_removal_does_not_cut_off_a_download(api: httpx.Client, result: str) -> None:
    with api.stream("GET", result) as answer:
        pieces = answer.iter_bytes()
        begun = next(pieces)
        with httpx.Client(base_url=api.base_url, timeout=60) as other:
            assert other.delete(result.removesuffix("/result")).status_code == 204
        assert begun + b"".join(pieces) == CONTENT


def test_late_attempt_does_not_replace_the_result(
    api: httpx.Client, result: str, worker: FakeWorker
) -> None:
    job_id = result.split("/")[2]
    worker.blobs.put_bytes(f"results/{job_id}/2", b"of an attempt that never counted")
    assert api.get(result).content == CONTENT
