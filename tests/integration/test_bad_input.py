"""Whatever is wrong has a code of its own, a sentence that helps, and leaves the stack well."""

import io
from collections.abc import Callable
from pathlib import Path

import av
import httpx
import numpy as np
import pytest

from core.results.reader import read_result
from tests.integration.conftest import FRAMES
from tests.integration.stack import ended, submit
from tests.videos import huge, make_video

pytestmark = [pytest.mark.assets, pytest.mark.timeout(900)]

Make = Callable[[Path], Path]


def cut_off(folder: Path) -> Path:
    path = make_video(folder / "cut.mp4", frames=60)
    path.write_bytes(path.read_bytes()[:-2000])  # the index is at the end
    return path


def without_frames(folder: Path) -> Path:
    path = folder / "none.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        output.start_encoding()
    return path


LIES: dict[str, Make] = {
    "video_truncated": cut_off,
    "video_has_no_frames": without_frames,
    "video_audio_only": lambda folder: make_video(folder / "sound.mp4", audio_only=True),
    "video_too_small": lambda folder: make_video(
        folder / "tiny.mp4", codec="mpeg4", size=(3, 3), frames=2
    ),
    "video_too_large": lambda folder: huge(folder / "huge.avi"),
    "codec_unsupported": lambda folder: make_video(folder / "old.mkv", codec="ffv1", frames=2),
}


@pytest.mark.parametrize("code", LIES)
def test_a_lying_file_fails_as_a_job(api, tmp_path, code):
    """It begins like a video; that it is none shows when a worker opens it."""
    job = ended(api, submit(api, LIES[code](tmp_path)))
    assert job["state"] == "failed"
    assert job["error"]["code"] == code
    assert job["error"]["retriable"] is False
    assert job["error"]["detail"].endswith(".")
    assert str(tmp_path.parent) not in job["error"]["detail"]
    assert job["attempt"] == 1
    result = api.get(f"/jobs/{job['id']}/result")
    assert (result.status_code, result.json()["code"]) == (409, "job_has_no_result")


def test_a_range_beyond_the_end(api, nobody):
    job = ended(api, submit(api, nobody, start_s="100"))
    assert (job["state"], job["error"]["code"]) == ("failed", "range_outside_video")


def refusal(reply: httpx.Response) -> tuple[int, str]:
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json()
    assert problem["status"] == reply.status_code
    assert problem["detail"].endswith((".", "?"))
    return reply.status_code, problem["code"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"I am a video, honestly.", (415, "not_a_video")),
        (b"\x89PNG\r\n\x1a\n" + bytes(2000), (415, "not_a_video")),
        (b"", (422, "upload_empty")),
        (b"\0\0\0\x18ftypisom" + bytes(5 << 20), (413, "upload_too_large")),
    ],
    ids=["text", "picture", "empty", "too large"],
)
def test_an_upload_that_is_refused_leaves_nothing(api, stack, content, expected):
    def stored() -> set[Path]:
        return {path for path in stack.data_dir.rglob("*") if path.is_file()}

    before = stored()
    for kind in ({"files": {"file": ("clip.mp4", content)}}, {"content": content}):
        assert refusal(api.post("/jobs", **kind)) == expected
    assert stored() <= before


@pytest.mark.parametrize(
    ("options", "code", "hint"),
    [
        ({"max_person": "2"}, "option_unknown", "max_persons"),
        ({"max_persons": "5"}, "option_out_of_range", "max_persons"),
        ({"height_m": "18"}, "option_out_of_range", "height_m"),
        ({"focal_length_35mm": "4.2"}, "option_out_of_range", "focal_length_35mm"),
        (
            {"focal_length_35mm": "26", "focal_length_px": "1500"},
            "option_out_of_range",
            "not both",
        ),
        ({"pose_model": "huge"}, "option_out_of_range", "pose_model"),
        ({"start_s": "3", "end_s": "2"}, "option_out_of_range", "end_s"),
    ],
)
def test_options_that_are_not_valid(api, nobody, options, code, hint):
    with nobody.open("rb") as file:
        reply = api.post("/jobs", files={"file": file}, data=options)
    assert refusal(reply) == (422, code)
    assert hint in reply.json()["detail"]


def test_a_name_says_nothing_about_the_content(api, nobody):
    with nobody.open("rb") as file:
        reply = api.post("/jobs", files={"file": ("letter.txt", file, "text/plain")})
    assert ended(api, reply.json()["id"])["state"] == "succeeded"


def test_a_video_with_nobody_in_it_succeeds_and_says_so(api, nobody):
    job = ended(api, submit(api, nobody))
    assert (job["state"], job["persons"], job["error"]) == ("succeeded", 0, None)
    result = read_result(api.get(f"/jobs/{job['id']}/result").content)
    assert result.joints_3d.shape == (0, 10, 28, 3)
    assert "no_person" in result.manifest.quality.notes


def test_half_a_video_gives_what_it_has_and_says_so(api, film, scene, tmp_path):
    whole = film("whole.mkv", scene).read_bytes()
    half = tmp_path / "half.mkv"
    half.write_bytes(whole[: len(whole) * 6 // 10])
    job = ended(api, submit(api, half))
    assert job["state"] == "succeeded"
    result = read_result(api.get(f"/jobs/{job['id']}/result").content)
    assert 10 < len(result) < FRAMES
    assert result.manifest.quality.truncated
    assert "video_damaged" in result.manifest.quality.notes


def test_somebody_who_leaves_is_absent_until_they_return(api, film, scene):
    empty = [np.full_like(scene[0], 110)] * 45
    job = ended(api, submit(api, film("returns.mp4", [*scene, *empty, *scene])))
    assert (job["state"], job["persons"]) == ("succeeded", 1)
    content = api.get(f"/jobs/{job['id']}/result").content
    result = read_result(content)
    before, away, after = np.split(result.observed[0], [len(scene), len(scene) + len(empty)])
    assert before.mean() > 0.5
    assert after.mean() > 0.3
    # A tracker needs a moment to notice that nobody is there any more.
    assert not away[15:].any()
    joints = np.load(io.BytesIO(content))["joints_3d"][0]
    assert np.isnan(joints[len(scene) + 20 : len(scene) + len(empty)]).all()
    assert np.isfinite(joints[result.observed[0]]).all()
    quality = result.manifest.quality
    assert quality.reentries == 1
    assert "identity_assumed_after_absence" in quality.notes


def test_a_result_may_be_asked_for_twice(api, nobody):
    job = ended(api, submit(api, nobody))
    first, second = (api.get(f"/jobs/{job['id']}/result") for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.content == second.content


@pytest.mark.parametrize("what", ["", "/result", "/frames", "/events"])
@pytest.mark.parametrize("job_id", ["0" * 32, "no-such-job", "..%2F..%2Fetc"])
def test_unknown_jobs(api, job_id, what):
    assert api.get(f"/jobs/{job_id}{what}").status_code == 404


def test_the_worker_has_survived_all_of_it(api, stack, nobody):
    assert ended(api, submit(api, nobody))["state"] == "succeeded"
    assert "starting again" not in stack.worker.said
