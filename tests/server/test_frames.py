"""Frames as JSON, while the job runs and from its result."""

import json
from pathlib import Path

import httpx
import numpy as np
import pytest

from core.chunks import PoseChunk
from core.results.chunk_bytes import chunk_to_bytes
from core.results.manifest import Manifest, Source
from core.results.reader import ResultWriter
from core.store.ledger import Attempt
from tests.core.chunk_makers import cut_at, make_poses
from tests.server.clips import MP4, code
from tests.server.fake_worker import FakeWorker

FRAMES = 620


@pytest.fixture(scope="module")
def poses() -> PoseChunk:
    """Two people; the second comes later, and one joint is never known."""
    joints = np.random.default_rng(0).normal(size=(3, FRAMES, 28, 3)).astype(np.float32)
    joints[1, :, :, :] = np.nan
    joints[2, :100] = np.nan
    joints[0, 7, 3] = np.nan
    return make_poses(joints)


@pytest.fixture
def attempt(api: httpx.Client, worker: FakeWorker) -> Attempt:
    return worker.claim(api.post("/jobs", content=MP4).json()["id"])


def show(worker: FakeWorker, attempt: Attempt, chunks: list[PoseChunk]) -> None:
    start = 0
    for chunk in chunks:
        worker.frames.append(attempt, start, len(chunk), chunk_to_bytes(chunk))
        start += len(chunk)


def finish(worker: FakeWorker, attempt: Attempt, poses: PoseChunk, folder: Path) -> None:
    with ResultWriter(folder / "pose.npz") as writer:
        writer.append(poses)
        path = writer.finish(Manifest(source=Source(width_px=640, height_px=480)))
    worker.finish(attempt, path.read_bytes(), persons=2)


def all_frames(api: httpx.Client, path: str) -> list[dict[str, object]]:
    frames: list[dict[str, object]] = []
    while path is not None:
        page = api.get(path).json()
        frames += page["frames"]
        path = page["next"]
        if not page["frames"]:
            break
    return frames


def test_while_it_runs_and_afterwards_they_are_the_same(
    api: httpx.Client, worker: FakeWorker, attempt: Attempt, poses: PoseChunk, tmp_path: Path
) -> None:
    path = f"/jobs/{attempt.job_id}/frames"
    show(worker, attempt, cut_at(poses, [30, 200, 480]))
    live = all_frames(api, path)
    finish(worker, attempt, poses, tmp_path)
    worker.frames.drop(attempt.job_id)
    done = all_frames(api, path)
    assert len(live) == FRAMES
    assert live == done
    assert [frame["index"] for frame in live] == list(range(FRAMES))


def test_what_a_frame_says(
    api: httpx.Client, worker: FakeWorker, attempt: Attempt, poses: PoseChunk
) -> None:
    show(worker, attempt, [poses])
    page = api.get(f"/jobs/{attempt.job_id}/frames?start=7&stop=8").json()
    assert (page["start"], page["stop"], page["frames_available"]) == (7, 8, FRAMES)
    assert page["next"] is None or "start=8" in page["next"]
    [frame] = page["frames"]
    assert (frame["index"], frame["frame_index"]) == (7, 7)
    assert frame["time_s"] == pytest.approx(7 / 30)
    [person] = frame["persons"]  # the others are not there
    assert (person["track_id"], person["observed"]) == (0, True)
    assert person["joints_3d"][3] is None
    np.testing.assert_allclose(person["joints_3d"][0], poses.joints_m[0, 7, 0], atol=1e-5)
    assert person["joints_3d_sigma"][0] == pytest.approx(0.03)
    later = api.get(f"/jobs/{attempt.job_id}/frames?start=100&stop=101").json()["frames"][0]
    assert [person["track_id"] for person in later["persons"]] == [0, 2]


def test_nothing_yet_but_come_back(api: httpx.Client, attempt: Attempt) -> None:
    page = api.get(f"/jobs/{attempt.job_id}/frames").json()
    assert (page["frames"], page["frames_available"]) == ([], 0)
    assert page["next"] == f"/jobs/{attempt.job_id}/frames?start=0"


def test_one_request_gives_so_many_and_no_more(
    api: httpx.Client, worker: FakeWorker, attempt: Attempt, poses: PoseChunk, tmp_path: Path
) -> None:
    finish(worker, attempt, poses, tmp_path)
    page = api.get(f"/jobs/{attempt.job_id}/frames?stop=9999999").json()
    assert len(page["frames"]) == 500
    assert "start=500" in page["next"]
    beyond = api.get(f"/jobs/{attempt.job_id}/frames?start=5000").json()
    assert (beyond["frames"], beyond["next"]) == ([], None)


def test_is_json_without_nan(
    api: httpx.Client, worker: FakeWorker, attempt: Attempt, poses: PoseChunk
) -> None:
    show(worker, attempt, [poses])

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads(api.get(f"/jobs/{attempt.job_id}/frames").text, parse_constant=refuse)


@pytest.mark.parametrize("query", ["start=-1", "stop=-1", "start=x"])
def test_bad_ranges(api: httpx.Client, attempt: Attempt, query: str) -> None:
    answer = api.get(f"/jobs/{attempt.job_id}/frames?{query}")
    assert code(answer) == (422, "parameter_invalid")


@pytest.mark.parametrize("running", [True, False])
def test_far_beyond_the_end_there_is_nothing(
    api: httpx.Client,
    worker: FakeWorker,
    attempt: Attempt,
    poses: PoseChunk,
    tmp_path: Path,
    running: bool,
) -> None:
    show(worker, attempt, [poses])
    if not running:
        finish(worker, attempt, poses, tmp_path)
    answer = api.get(f"/jobs/{attempt.job_id}/frames?start={10**30}")
    assert (answer.status_code, answer.json()["frames"]) == (200, [])


def test_none_of_a_job_that_did_not_succeed(
    api: httpx.Client, worker: FakeWorker, attempt: Attempt
) -> None:
    worker.ledger.cancel(attempt)
    answer = api.get(f"/jobs/{attempt.job_id}/frames")
    assert code(answer) == (409, "job_has_no_result")
