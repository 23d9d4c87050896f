"""Names that clients make up are shown, and never used."""

from pathlib import Path

import httpx
import pytest
from redis import Redis

from server.filenames import attachment, clean_filename
from server.settings import ServerSettings
from tests.server.clips import MP4
from tests.server.fake_worker import FakeWorker
from tests.server.sending import stored


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("clip.mp4", "clip.mp4"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\clip.mp4", "clip.mp4"),
        ("a\r\nSet-Cookie: x=1.mp4", "aSet-Cookie: x=1.mp4"),
        ("clip\u202e4pm.exe", "clip4pm.exe"),
        ("clip\u2028.mp4", "clip.mp4"),
        (" .hidden. ", "hidden"),
        ("..", "video"),
        ("", "video"),
        (None, "video"),
        ("视频.mp4", "视频.mp4"),
        ("x" * 500, "x" * 200),
    ],
)
def test_what_is_kept_of_a_name(name: str | None, cleaned: str) -> None:
    assert clean_filename(name) == cleaned


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("clip.mp4", 'attachment; filename="clip.pose.npz"'),
        (
            'a";x="b.mp4',
            "attachment; filename=\"a__x__b.pose.npz\"; filename*=UTF-8''a%22%3Bx%3D%22b.pose.npz",
        ),
        (
            "视频.mp4",
            "attachment; filename=\"pose.npz\"; filename*=UTF-8''%E8%A7%86%E9%A2%91.pose.npz",
        ),
    ],
)
def test_a_header_holds_nothing_but_a_name(name: str, header: str) -> None:
    assert attachment(clean_filename(name)) == header


TRICKS = ["../../../tricked", "/tricked", "..%2f..%2ftricked", "%2e%2e/tricked", "tricked\\..\\x"]


@pytest.mark.parametrize("trick", TRICKS)
def test_no_path_is_made_of_what_clients_send(
    api: httpx.Client, settings: ServerSettings, worker: FakeWorker, redis: Redis, trick: str
) -> None:
    around = settings.data_dir.parent
    before = set(around.parent.rglob("*tricked*"))
    sent = [
        api.post("/jobs", files={"file": (trick, MP4)}),
        api.post("/jobs", content=MP4, params={"filename": trick}),
        api.put(f"/jobs/{trick.rpartition('/')[2]}", content=MP4),
        api.post("/jobs", content=MP4, headers={"Idempotency-Key": trick}),
    ]
    job_ids = [answer.json()["id"] for answer in sent if answer.status_code == 202]
    assert len(job_ids) >= 3
    for method, path in (("GET", ""), ("GET", "/result"), ("GET", "/frames"), ("DELETE", "")):
        answer = api.request(method, f"/jobs/{trick}{path}")
        assert answer.status_code in (400, 404, 405)
    api.get("/jobs", params={"cursor": trick})
    worker.succeed(job_ids[0])
    disposition = api.get(f"/jobs/{job_ids[0]}/result").headers["content-disposition"]
    assert "/" not in disposition
    assert "\\" not in disposition
    for path in stored(settings):
        assert "tricked" not in str(path.relative_to(settings.data_dir))
    assert set(around.parent.rglob("*tricked*")) == before
    assert not Path("/tricked").exists()
    assert not any(b"tricked" in name for name in redis.keys("*"))


def test_options_are_limited(api: httpx.Client) -> None:
    """One field, and all of them."""
    for fields in ({"stride": "1" * 5000}, {f"option_{n}": "x" for n in range(101)}):
        answer = api.post("/jobs", files={"file": ("clip.mp4", MP4)}, data=fields)
        assert answer.status_code == 400
        assert answer.json()["code"] == "request_invalid"
