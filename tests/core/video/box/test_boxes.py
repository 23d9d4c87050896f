"""Boxes as a worker has them: rehearsed, warm, and with a say in which walls must stand."""

import subprocess
import sys

import psutil
import pytest

from core.box.limits import BoxLimits
from core.box.process import _environment
from core.box.sandbox import Sandbox
from core.contracts import JobOptions
from core.errors import Canceled, ConfigInvalid
from core.pipeline import Listener, lift_video
from core.results.manifest import ModelFacts
from core.video.box.boxes import DecoderBoxes
from tests.core.lifting_fakes import FakeEstimator, fake_lift
from tests.core.tracking.walkers import figure
from tests.videos import make_video

LIMITS = BoxLimits(start_s=120.0)


@pytest.fixture
def clip(tmp_path):
    return make_video(tmp_path / "clip.mp4", frames=90, size=(96, 96))


def lift(video, result, **more):
    estimator = FakeEstimator(lambda frame: [figure(40 + frame.index / 10, 90, 80)])
    return lift_video(
        video,
        result,
        JobOptions(stride=2),
        open_estimator=lambda _: estimator,
        lift=fake_lift,
        models={"lifter": ModelFacts(name="fake", sha256="0" * 64)},
        **more,
    )


def test_a_result_does_not_tell_where_its_video_was_decoded(clip, tmp_path):
    here, boxed = tmp_path / "here.npz", tmp_path / "boxed.npz"
    lift(clip, here)
    with DecoderBoxes(LIMITS) as boxes:
        lift(clip, boxed, open_reader=boxes.open)
    assert boxed.read_bytes() == here.read_bytes()


def test_a_job_can_be_stopped_before_its_video_is_even_looked_at(clip, tmp_path):
    with DecoderBoxes(LIMITS) as boxes, pytest.raises(Canceled):
        lift(
            clip,
            tmp_path / "x",
            open_reader=boxes.open,
            listener=Listener(should_stop=lambda: True),
        )


def test_the_next_box_is_warm_and_the_last_one_gone(clip):
    process = psutil.Process()
    before = set(process.children())
    with DecoderBoxes(LIMITS) as boxes:
        boxes.check()
        (warm,) = set(process.children()) - before
        with boxes.open(clip) as reader:
            reader.probe()
            assert set(process.children()) - before == {warm}
        (next_one,) = set(process.children()) - before
        assert next_one != warm
    assert set(process.children()) == before


def test_where_the_filter_forbids_too_much_it_is_left_out(monkeypatch, caplog):
    with DecoderBoxes(LIMITS) as boxes:
        rehearse, tries = boxes._rehearse, []

        def only_without_filter():
            tries.append(boxes._filtered)
            return None if boxes._filtered else rehearse()

        monkeypatch.setattr(boxes, "_rehearse", only_without_filter)
        walls = boxes.check()
        assert tries == [True, False]
        assert "seccomp" not in walls.made_of
        assert "network" in walls.open
        assert "NOT closed: network" in str(boxes)
    assert "going without" in caplog.text


def test_a_wall_that_must_stand_and_does_not_is_an_error():
    with DecoderBoxes(LIMITS) as boxes:
        boxes._filtered = False
        with pytest.raises(ConfigInvalid, match="network"):
            boxes.check(Sandbox.REQUIRE)


def test_where_nothing_can_be_decoded_in_a_box_nothing_starts(caplog):
    with (
        DecoderBoxes(LIMITS, module="tests.core.video.box.nothing") as boxes,
        pytest.raises(ConfigInvalid, match="POSELIFT_SANDBOX=off"),
    ):
        boxes.check()
    assert "No module named" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads as Linux lists them")
def test_nothing_that_a_box_imports_brings_a_thread():
    """Landlock binds the threads that there are when it is raised, and those they start later."""
    words = (
        "import os; from core.video.box import inside; inside._import_all(); "
        "print(len(os.listdir('/proc/self/task')))"
    )
    command = [sys.executable, "-P", "-S", "-B", "-c", words]
    found = subprocess.run(command, env=_environment(), capture_output=True, check=True, text=True)
    assert found.stdout == "1\n"
