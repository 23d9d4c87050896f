"""The GPU benchmark runs from end to end on a CPU, before any GPU is seen."""

import json
import os
import time

import pytest

from benchmarks import gpu
from benchmarks.gpu_material import swaying, track
from benchmarks.gpu_report import Outcome, markdown
from benchmarks.gpu_step import Finding, NotHere, Setting, Step
from core.assets.cache import default_cache_folder
from core.skeleton import BODY


def finds(setting):
    yield Finding("kept", 1.0, "px", at_most=2)
    yield Finding("not kept", float("nan"), at_most=2)


def fails(setting):
    yield Finding("before", 1)
    raise RuntimeError("the card fell off")


def is_absent(setting):
    yield from ()
    raise NotHere("no card")


def dies(setting):
    yield Finding("before", 1)
    os._exit(7)


def takes_forever(setting):
    yield Finding("before", 1)
    time.sleep(600)  # far longer than it may


def take(work, tmp_path, seconds=280.0):
    """A step of ours, taken as the benchmark takes its own."""
    step = Step(work.__name__, "a step", work)
    setting = Setting("cpu", quick=True, folder=tmp_path, cache_folder=tmp_path)
    return gpu.take(step, setting, time.monotonic() + seconds, gpu.fresh_processes("cpu"))


def test_findings_of_a_step_come_back_with_their_promises(tmp_path):
    outcome = take(finds, tmp_path)
    assert outcome.state == "done"
    assert [one.kept for one in outcome.findings] == [True, False]
    assert [one.what for one in outcome.broken] == ["not kept"]


@pytest.mark.parametrize(("work", "words"), [(fails, "the card fell off"), (dies, "exit code 7")])
def test_a_step_that_fails_is_told_with_what_it_found(tmp_path, work, words):
    outcome = take(work, tmp_path)
    assert outcome.state == "failed"
    assert words in (outcome.error or "")
    assert outcome.findings == (Finding("before", 1),)


def test_a_step_that_hangs_is_ended(tmp_path):
    outcome = take(takes_forever, tmp_path, seconds=1.0)
    assert outcome.state == "failed"
    assert outcome.seconds < 300


def test_what_cannot_be_had_here_is_no_failure(tmp_path):
    outcome = take(is_absent, tmp_path)
    assert (outcome.state, outcome.absent) == ("absent", "no card")


def test_the_report_tells_failure_absence_and_broken_promises():
    where = {"command": "c", "rehearsal": True, "machine": {"cpu": "some", "cores": 2}}
    outcomes = [
        Outcome("a", "First", (Finding("rate", 12.0, "frames/s", at_least=3000),), 1.0),
        Outcome("b", "Second", (), 1.0, error="boom"),
        Outcome("c", "Third", (), 1.0, absent="not on this device"),
    ]
    text = markdown(where, outcomes)
    assert "| rate | 12 frames/s | at least 3000 | **not kept** |" in text
    assert "boom" in text
    assert "| Third | not on this device | - | 1.0 |" in text
    assert "A rehearsal" in text


def test_the_drawn_figure_is_a_body(tmp_path):
    library = swaying(tmp_path)
    bones = library.positions_m - library.positions_m[:, list(BODY.parents)]
    lengths = bones.norm(dim=-1)[:, [joint for joint in range(len(BODY)) if joint != BODY.root]]
    assert lengths.min() > 0.01
    assert lengths.max() < 0.6
    people = track(tmp_path, 2, 5)
    assert people.keypoints_px.shape == (2, 5, 33, 2)
    assert people.present.all()


@pytest.mark.slow
@pytest.mark.assets
@pytest.mark.timeout(1800)
def test_every_step_runs_on_a_cpu(tmp_path, full_bundle, demo_clip):
    """With tiny sizes and through the same code; without a card some parts say so."""
    words = ["--device", "cpu", "--quick", "-o", str(tmp_path), "--limit-s", "1700"]
    cache_folder = demo_clip.parents[1]
    if cache_folder != default_cache_folder():
        words += ["--cache-dir", str(cache_folder)]
    broken = gpu.main(words)
    report = json.loads((tmp_path / "gpu-rehearsal.json").read_text())
    assert {step["name"]: step["error"] for step in report["steps"] if step["error"]} == {}
    assert broken == 0
    states = {step["name"]: step["state"] for step in report["steps"]}
    assert list(states) == [step.name for step in gpu.STEPS]
    assert states["lifter-memory"] == states["training"] == states["two-workers"] == "done"
    assert states["pose-memory"] == "absent"
    found = {one["what"]: one["value"] for step in report["steps"] for one in step["findings"]}
    assert found["largest batch that fitted"] == 1
    assert found["one window and no memory"] == "error out_of_memory"
    assert found["worker 2: peak of GPU memory"] == "not on this device"
    assert (tmp_path / "gpu-rehearsal.md").read_text().startswith("# On a GPU")
