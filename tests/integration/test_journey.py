"""A video goes all the way: uploaded, followed, lifted, downloaded, removed."""

import hashlib
import io
import json
from concurrent.futures import ThreadPoolExecutor
from time import sleep

import httpx
import numpy as np
import pytest
from PIL import Image

from core.skeleton import BODY, KEYPOINT_NAMES
from tests.integration.conftest import FRAMES, HEIGHT, WIDTH
from tests.integration.stack import PATIENCE_S, ended, submit
from tests.waiting import wait_for

pytestmark = [pytest.mark.assets, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def done(stack, clip) -> dict:
    """A job that has succeeded; tests here only look at it."""
    with httpx.Client(base_url=stack.url, timeout=60) as api:
        job = ended(api, submit(api, clip, max_persons="2", height_m="1.8"))
    assert job["state"] == "succeeded", job
    return job


@pytest.fixture
def npz(api, done) -> np.lib.npyio.NpzFile:
    """The result, as a user without PoseLift opens it."""
    return np.load(io.BytesIO(api.get(f"/jobs/{done['id']}/result").content))


def test_an_upload_is_accepted_and_says_where_to_look(api, clip):
    reply = api.post("/jobs", files={"file": ("me.mp4", clip.read_bytes())})
    job = reply.json()
    assert reply.status_code == 202
    assert reply.headers["location"] == job["links"]["self"] == f"/jobs/{job['id']}"
    assert int(reply.headers["retry-after"]) >= 1
    assert job["filename"] == "me.mp4"
    assert job["upload"]["sha256"] == hashlib.sha256(clip.read_bytes()).hexdigest()
    assert api.delete(reply.headers["location"]).status_code in (202, 204)


def test_the_job_tells_of_its_way(done):
    assert done["created_at"] < done["started_at"] < done["finished_at"] < done["expires_at"]
    assert done["attempt"] == 1
    assert done["persons"] in (1, 2)
    assert done["error"] is None
    progress = done["progress"]
    assert (progress["stage"], progress["frames_done"]) == ("done", FRAMES)
    assert progress["fps"] > 0


def test_persons_are_dense_and_finite_where_observed(npz, done):
    persons = done["persons"]
    shapes = {
        "joints_3d": (persons, FRAMES, 28, 3),
        "joints_3d_sigma": (persons, FRAMES, 28),
        "keypoints_2d": (persons, FRAMES, 33, 2),
        "keypoints_confidence": (persons, FRAMES, 33),
    }
    observed = npz["observed"]
    assert (observed.dtype, observed.shape) == (np.bool_, (persons, FRAMES))
    assert observed.any(axis=1).all()
    for name, shape in shapes.items():
        assert (npz[name].dtype, npz[name].shape) == (np.float32, shape), name
        assert np.isfinite(npz[name][observed]).all(), name
    assert npz["track_id"].shape == (persons,)


def test_the_numbers_are_a_persons(npz):
    best = int(np.nanargmax(np.nanmean(npz["keypoints_confidence"], axis=(1, 2))))
    seen = npz["observed"][best]
    joints = npz["joints_3d"][best, seen]
    pelvis, head, ankle = (BODY.names.index(n) for n in ("pelvis", "head_top", "left_ankle"))
    assert np.allclose(joints[:, pelvis], 0, atol=1e-5)
    # Camera axes: y goes down. The walker is upright, and said to be 1.8 m tall.
    assert 1.2 < np.median(joints[:, ankle, 1] - joints[:, head, 1]) < 2.0
    assert (npz["joints_3d_sigma"][best, seen] > 0).all()
    middle = npz["keypoints_2d"][best, seen].mean(axis=1)
    assert ((middle > 0) & (middle < (WIDTH, HEIGHT))).all()


def test_the_result_describes_itself(npz, done):
    assert npz["frame_time_s"].dtype == np.float64
    assert np.allclose(npz["frame_time_s"], np.arange(FRAMES) / 30, atol=1e-3)
    assert npz["frame_index"].tolist() == list(range(FRAMES))
    assert npz["joint_names"].tolist() == list(BODY.names)
    assert npz["keypoint_names"].tolist() == list(KEYPOINT_NAMES)
    assert npz["parents"].tolist() == list(BODY.parents)
    manifest = json.loads(str(npz["manifest"]))
    source, quality = manifest["source"], manifest["quality"]
    assert source["filename"] == "clip.mp4"
    assert (source["width_px"], source["height_px"], source["rotation_deg"]) == (WIDTH, HEIGHT, 0)
    assert source["average_fps"] == pytest.approx(30)
    assert manifest["schema_version"] == 1
    assert manifest["units"]["joints_3d"] == "m"
    assert manifest["axes"] | {"x": "right", "y": "down"} == manifest["axes"]
    assert manifest["origin"] == "pelvis"
    assert manifest["scale_source"] == "height_option"
    assert {len(model["sha256"]) for model in manifest["models"].values()} == {64}
    assert manifest["models"].keys() == {"keypoints", "lifter"}
    assert manifest["options"] == done["options"]
    assert {"torch", "mediapipe", "av"} <= manifest["software"].keys()
    assert (quality["frames_used"], quality["persons"]) == (FRAMES, done["persons"])
    assert not quality["truncated"]


def test_a_download_can_be_checked_continued_and_spared(api, done):
    url = f"/jobs/{done['id']}/result"
    whole = api.get(url)
    digest = hashlib.sha256(whole.content)
    assert whole.headers["etag"] == f'"{digest.hexdigest()}"'
    assert done["result"] == {"size_bytes": len(whole.content), "sha256": digest.hexdigest()}
    rest = api.get(url, headers={"Range": "bytes=1000-", "If-Range": whole.headers["etag"]})
    assert rest.status_code == 206
    assert rest.content == whole.content[1000:]
    again = api.get(url, headers={"If-None-Match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert api.get(url).content == whole.content
    assert 'filename="clip.pose.npz"' in whole.headers["content-disposition"]


def test_frames_as_json_are_those_of_the_result(api, done, npz):
    page = api.get(f"/jobs/{done['id']}/frames", params={"start": 3, "stop": 7}).json()
    assert [frame["index"] for frame in page["frames"]] == [3, 4, 5, 6]
    assert page["frames_available"] == FRAMES
    assert page["next"] is None
    for frame in page["frames"]:
        for person in frame["persons"]:
            row = npz["track_id"].tolist().index(person["track_id"])
            stored = npz["joints_3d"][row, frame["index"]]
            assert np.allclose(person["joints_3d"], stored, atol=1e-5)
    everything = api.get(f"/jobs/{done['id']}/frames").json()
    assert everything["frames"][3:7] == page["frames"]
    assert len(everything["frames"]) == FRAMES


def test_a_job_that_runs_shows_how_far_it_is_and_its_first_frames(api, stack, long_clip):
    job_id = submit(api, long_clip)
    early = api.get(f"/jobs/{job_id}/result")
    assert (early.status_code, early.json()["code"]) == (409, "result_not_ready")
    assert "retry-after" in early.headers
    with ThreadPoolExecutor(1) as threads:
        listening = threads.submit(listen, stack.url, job_id)
        page: dict = {"frames": []}
        while not page["frames"]:
            page = api.get(f"/jobs/{job_id}/frames").json()
            sleep(0.02)
        seen = listening.result()
    assert page["state"] == "running"
    finished = api.get(f"/jobs/{job_id}/frames").json()["frames"]
    assert page["frames"] == finished[: len(page["frames"])]
    assert len(finished) == 10 * FRAMES

    states = [job["state"] for job in seen]
    assert states == sorted(states, key=["queued", "running", "succeeded"].index)
    assert states[-1] == "succeeded"
    running = [job["progress"] for job in seen if job["state"] == "running"]
    counts = [progress["frames_done"] for progress in running]
    assert counts == sorted(counts)
    assert 0 < max(counts) <= 10 * FRAMES
    assert running[-1]["frames_total"] == 10 * FRAMES


def listen(url: str, job_id: str) -> list[dict]:
    """The job as each of its events shows it, to the last."""
    with httpx.stream("GET", f"{url}/jobs/{job_id}/events", timeout=PATIENCE_S) as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in events.iter_lines() if line.startswith("data:")]
    return [json.loads(line.removeprefix("data:")) for line in lines]


def test_jobs_are_listed_and_filtered(api, done):
    listed = api.get("/jobs", params={"state": "succeeded", "limit": 200}).json()["jobs"]
    assert done["id"] in [job["id"] for job in listed]
    assert {job["state"] for job in listed} == {"succeeded"}
    created = [job["created_at"] for job in listed]
    assert created == sorted(created, reverse=True)


def test_a_running_job_is_canceled_within_two_seconds(api, long_nobody):
    job_id = submit(api, long_nobody)
    wait_for(lambda: api.get(f"/jobs/{job_id}").json()["state"] == "running", PATIENCE_S)
    assert api.delete(f"/jobs/{job_id}").status_code == 202
    job = ended(api, job_id)
    assert job["state"] == "canceled"
    result = api.get(f"/jobs/{job_id}/result")
    assert (result.status_code, result.json()["code"]) == (409, "job_has_no_result")


def test_an_ended_job_is_removed_with_its_files(api, stack, nobody):
    job_id = submit(api, nobody)
    ended(api, job_id)
    assert any(job_id in str(path) for path in stack.data_dir.rglob("*"))
    assert api.delete(f"/jobs/{job_id}").status_code == 204
    # The worker may still be putting things away: a job has ended once its result is there.
    wait_for(lambda: not any(job_id in str(path) for path in stack.data_dir.rglob("*")))
    reply = api.get(f"/jobs/{job_id}")
    assert (reply.status_code, reply.json()["code"]) == (404, "job_not_found")


def test_a_picture_is_answered_at_once(api, scene):
    picture = io.BytesIO()
    Image.fromarray(scene[20]).save(picture, "JPEG", quality=95)
    reply = api.post("/poses", files={"file": ("me.jpg", picture.getvalue())})
    assert reply.status_code == 200, reply.text
    persons = reply.json()["persons"]
    assert persons
    for person in persons:
        assert np.isfinite(np.array(person["joints_3d"], float)).all()
        assert np.array(person["joints_3d"]).shape == (28, 3)
        assert np.array(person["keypoints_2d"]).shape == (33, 2)
        assert min(person["joints_3d_sigma"]) > 0


def test_a_picture_of_nobody_and_no_picture(api):
    empty = io.BytesIO()
    Image.new("RGB", (320, 240), (90, 120, 90)).save(empty, "PNG")
    assert api.post("/poses", content=empty.getvalue()).json() == {"persons": []}
    reply = api.post("/poses", content=b"a thousand words")
    assert (reply.status_code, reply.json()["code"]) == (422, "image_invalid")
