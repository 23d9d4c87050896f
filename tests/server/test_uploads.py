"""Uploads: every way in, by httpx and by the real curl."""

import json
import shutil
import subprocess
import zlib
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from redis import Redis

from core.contracts import LIFT_JOB, LIFT_QUEUE
from core.store.disk_blobs import DiskBlobs
from core.store.keys import upload_key
from server.settings import ServerSettings
from tests.server.clips import AVI, MP4, TS, WEBM, of_size
from tests.server.fake_worker import FakeWorker
from tests.server.sending import form, send, stored


def test_accepted_with_all_that_a_client_needs(
    api: httpx.Client, blobs: DiskBlobs, redis: Redis
) -> None:
    answer = send(api, max_persons="2", height_m="1.81", focal_length_35mm="26")
    job = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/jobs/{job['id']}" == job["links"]["self"]
    assert int(answer.headers["retry-after"]) >= 1
    assert (job["state"], job["filename"]) == ("queued", "clip.mp4")
    assert (job["options"]["max_persons"], job["options"]["height_m"]) == (2, 1.81)
    assert (job["options"]["focal_length_35mm"], job["options"]["focal_length_px"]) == (26, None)
    assert job["upload"] == {"size_bytes": len(MP4), "sha256": sha256(MP4).hexdigest()}
    assert job["progress"]["queue_position"] == 1
    assert b"".join(blobs.read(upload_key(job["id"]))) == MP4
    # What travels is the id, and nothing else.
    message = redis.hgetall(f"rq:job:{job['id']}")
    assert json.loads(zlib.decompress(message[b"data"])) == [LIFT_JOB, None, [job["id"]], {}]
    assert redis.lrange(f"rq:queue:{LIFT_QUEUE}", 0, -1) == [job["id"].encode()]


@pytest.mark.parametrize("content", [MP4, WEBM, AVI, TS], ids=["mp4", "webm", "avi", "ts"])
def test_known_containers(api: httpx.Client, content: bytes) -> None:
    assert send(api, content).status_code == 202


def test_large_file_arrives_whole(api: httpx.Client, blobs: DiskBlobs) -> None:
    content = of_size(3 << 20)  # exactly the limit
    job = send(api, content).json()
    assert b"".join(blobs.read(upload_key(job["id"]))) == content


def test_a_body_in_chunks_of_all_sizes_arrives_whole(api: httpx.Client, blobs: DiskBlobs) -> None:
    content = of_size(1 << 20)
    edges = [0, *range(100, 3000, 7), 3000, 300_000, 300_001, len(content)]
    chunks = (content[start:stop] for start, stop in pairwise(edges))
    job = api.post("/jobs", content=chunks).json()
    assert b"".join(blobs.read(upload_key(job["id"]))) == content


def test_fields_may_come_before_and_after_the_file(api: httpx.Client) -> None:
    body = form(("stride", None, b"3"), ("file", "日本.mp4", MP4), ("smoothing", None, b"false"))
    job = api.post("/jobs", **body).json()
    assert job["filename"] == "日本.mp4"
    assert (job["options"]["stride"], job["options"]["smoothing"]) == (3, False)


@pytest.mark.parametrize("kind", ["video/mp4", "application/octet-stream", None])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_raw_body(api: httpx.Client, kind: str | None, method: str) -> None:
    headers = {"Content-Disposition": 'attachment; filename="walk.mp4"'}
    if kind is not None:
        headers["Content-Type"] = kind
    answer = api.request(method, "/jobs?stride=2", content=MP4, headers=headers)
    job = answer.json()
    assert (answer.status_code, job["filename"], job["options"]["stride"]) == (202, "walk.mp4", 2)
    assert job["upload"]["sha256"] == sha256(MP4).hexdigest()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd.mp4", "passwd.mp4"),
        ("C:\\Users\\me\\clip.mov", "clip.mov"),
        ("a\u202egpj.mp4", "agpj.mp4"),
        ("\x1b[2Jred.mp4", "[2Jred.mp4"),
        ("...", "video"),
        ("x" * 500 + ".mp4", "x" * 200),
    ],
)
def test_names_are_only_shown(
    api: httpx.Client, settings: ServerSettings, given: str, shown: str
) -> None:
    answer = api.post("/jobs", content=MP4, params={"filename": given})
    job = answer.json()
    assert (answer.status_code, job["filename"]) == (202, shown)
    assert {path.name for path in stored(settings)} == {job["id"]}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
class TestCurl:
    """The commands of the README, by the real curl."""

    @pytest.fixture
    def clip(self, tmp_path: Path) -> Path:
        clip = tmp_path / "clip one.mp4"
        clip.write_bytes(of_size(1_500_000))  # large enough for "Expect: 100-continue"
        return clip

    def run(self, *arguments: str) -> dict[str, object]:
        command = ["curl", "--silent", "--show-error", "--max-time", "20", *arguments]
        done = subprocess.run(command, capture_output=True, check=True)
        return json.loads(done.stdout)

    def test_form(self, url: str, clip: Path) -> None:
        job = self.run("-F", f"file=@{clip}", "-F", "max_persons=2", f"{url}/jobs")
        assert (job["state"], job["filename"]) == ("queued", "clip one.mp4")

    @pytest.mark.parametrize("path", ["/jobs", "/jobs/"])
    def test_upload_file(self, url: str, clip: Path, path: str) -> None:
        job = self.run("-T", str(clip), f"{url}{path}")
        named = "clip one.mp4" if path.endswith("/") else "video"
        assert (job["state"], job["filename"]) == ("queued", named)
        assert job["upload"]["size_bytes"] == 1_500_000

    def test_data_binary(self, url: str, clip: Path) -> None:
        job = self.run("--data-binary", f"@{clip}", f"{url}/jobs?stride=5&filename=a.mp4")
        assert (job["state"], job["options"]["stride"]) == ("queued", 5)

    def test_download_gets_a_name(
        self, url: str, clip: Path, worker: FakeWorker, tmp_path: Path
    ) -> None:
        job = self.run("-T", str(clip), f"{url}/jobs/")
        worker.succeed(job["id"], b"poses")
        subprocess.run(
            ["curl", "-sSOJ", f"{url}/jobs/{job['id']}/result"], cwd=tmp_path, check=True
        )
        assert (tmp_path / "clip one.pose.npz").read_bytes() == b"poses"
