"""Promise: what strangers send is decoded where it can do nothing else, and no harm by ending.

The intruder in ``tests/core/video/box/intruder.py`` is what such a file might turn a decoder into.
The walls are those of a Linux with Landlock and seccomp; elsewhere ``poselift worker`` says at its
start which of them stand, and these tests are skipped.
"""

import gc
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import psutil
import pytest

from core.box.limits import BoxLimits
from core.box.process import Box
from core.box.sandbox import Sandbox
from core.errors import DecoderCrashed, DecoderLimits, DecoderLost, NotAVideo, VideoTruncated
from core.video.box.boxes import DecoderBoxes
from core.video.box.kind import VIDEO
from tests.core.video.box import intruder
from tests.videos import make_video
from tests.waiting import wait_for

INTRUDER = "tests.core.video.box.intruder"
ROOT = Path(__file__).parents[2]
LIMITS = BoxLimits(memory_bytes=512 << 20)
NEEDED = ("read the input", "start a thread", "take a little memory")


@pytest.fixture(scope="module", autouse=True)
def every_wall_stands():
    with Box(LIMITS, VIDEO) as box:
        walls = box.walls()
    if walls.open:
        pytest.skip(f"this system cannot close a box to {', '.join(walls.open)}")


@pytest.fixture
def order(tmp_path):
    def order(words: str) -> Path:
        path = tmp_path / "order"
        path.write_text(words)
        return path

    return order


@pytest.fixture
def children():
    """Nothing is left of any box: no process, no zombie, no descriptor."""
    process = psutil.Process()
    gc.collect()
    before, descriptors = set(process.children()), process.num_fds()
    yield lambda: set(process.children()) - before
    assert not set(process.children()) - before  # one of other tests' may have ended meanwhile
    # Other tests' leavings may still be on their way out, before and after.
    wait_for(lambda: process.num_fds() <= descriptors)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    path = tmp_path_factory.mktemp("everything") / "order"
    path.write_text("everything")
    with path.open("r+b") as file, Box(LIMITS, replace(VIDEO, module=INTRUDER)) as box:
        box.give(file.fileno())
        return box.receive(lambda: None)["tried"]


@pytest.mark.parametrize("what", NEEDED)
def test_a_decoder_has_what_it_needs(outcomes, what):
    assert outcomes[what] == "worked"


@pytest.mark.parametrize("what", [what for what in intruder.TRIALS if what not in NEEDED])
def test_a_decoder_has_nothing_else(outcomes, what):
    assert outcomes[what].startswith("refused")


def test_without_walls_it_would_have(tmp_path):
    """Else the test above could not fail. In a process of its own, which one trial would end."""
    path = tmp_path / "file"
    path.write_text("what a decoder may read")
    script = (
        "import os; from tests.core.video.box import intruder; "
        f"intruder.FILE = os.open({str(path)!r}, os.O_RDWR); "
        f"skipped = {('run a program', 'kill the parent', 'let go of the leash')!r}; "
        "print([what for what, trial in intruder.TRIALS.items() "
        "if what not in skipped and intruder.outcome(trial) == 'worked'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for what in ("read a file", "make a socket", "fork", "spawn a program", "take much memory"):
        assert what in done.stdout


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("segfault", DecoderCrashed),
        ("abort", DecoderCrashed),
        ("talk much", DecoderCrashed),
        ("leave", DecoderCrashed),
        ("hang up", DecoderCrashed),
        ("nonsense", DecoderCrashed),
        ("other words", DecoderCrashed),
        ("spin", DecoderLimits),
        ("sleep", DecoderLimits),
    ],
)
def test_whatever_becomes_of_a_decoder_is_a_code(order, children, what, error):
    # No more than one of them may end it: a busy machine is slow to do anything.
    limits = BoxLimits(
        cpu_s=1 if what == "spin" else 60, silence_s=1.0 if what == "sleep" else 300.0
    )
    with DecoderBoxes(limits, module=INTRUDER) as boxes, boxes.open(order(what)) as reader:
        with pytest.raises(error) as caught:
            reader.probe()
        assert not caught.value.retriable
        assert not children()


def test_the_next_video_is_decoded(tmp_path, order, children):
    video = make_video(tmp_path / "clip.mp4", frames=3, size=(96, 64), codec="mpeg4")
    with DecoderBoxes(LIMITS, module=INTRUDER) as boxes:
        with boxes.open(order("segfault")) as reader, pytest.raises(DecoderCrashed):
            reader.probe()
        with boxes.open(video) as reader:
            pictures = list(reader.pictures(reader.probe()))
    assert [picture.index for picture in pictures] == [0, 1, 2]


def test_a_decoder_that_is_killed_from_outside_may_be_tried_again(order, children):
    with DecoderBoxes(LIMITS, module=INTRUDER) as boxes, boxes.open(order("sleep")) as reader:

        def kill():
            for child in children():
                child.kill()

        with pytest.raises(DecoderLost) as caught:
            reader.probe(on_step=kill)
        assert caught.value.retriable


@pytest.mark.parametrize("what", ["sleep", "chatter"])
def test_a_cancel_ends_it_at_once(order, children, what):
    class Stop(Exception):
        pass

    steps = 0

    def stop():
        nonlocal steps
        steps += 1
        if steps == 3:
            raise Stop

    with DecoderBoxes(LIMITS, module=INTRUDER) as boxes:
        with boxes.open(order(what)) as reader, pytest.raises(Stop):
            reader.probe(on_step=stop)
        assert steps == 3
    assert not children()


def gray_picture(path: Path, width: int, height: int) -> Path:
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p"
        picture = av.VideoFrame(width, height, "yuvj420p")
        for plane in picture.planes:
            plane.update(bytes(plane.buffer_size))
        output.mux(stream.encode(picture))
        output.mux(stream.encode(None))
    return path


def test_a_video_that_takes_too_much_memory_says_so(tmp_path, children):
    # Ample for all that comes before the picture, and far too little for it.
    limits = BoxLimits(memory_bytes=48 << 20)
    large = gray_picture(tmp_path / "large.avi", 6400, 6400)  # 61 MB, decoded
    with DecoderBoxes(limits) as boxes, boxes.open(large) as reader:
        with pytest.raises(DecoderLimits, match="48 MiB") as caught:
            reader.probe()
        assert not caught.value.retriable


@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("spin", signal.SIGKILL),
        ("sleep", signal.SIGKILL),
        ("idle", signal.SIGKILL),
        ("sleep", signal.SIGINT),
    ],
)
def test_no_box_outlives_its_parent(tmp_path, order, what, how):
    script = f"""
import sys
from pathlib import Path
from core.video.box.boxes import DecoderBoxes
from core.video.box.kind import VIDEO
with DecoderBoxes(module={INTRUDER!r}) as boxes:
    boxes._warm_up()
    boxes._spare.walls()
    print(boxes._spare.pid, flush=True)
    if {what!r} == "idle":
        sys.stdin.read()
    with boxes.open(Path({str(order(what))!r})) as reader:
        reader.probe(on_step=lambda: print("waiting", flush=True))
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with parent:
        box = psutil.Process(int(parent.stdout.readline()))
        if what != "idle":
            assert parent.stdout.readline() == "waiting\n"
        assert box.is_running()
        parent.send_signal(how)
        parent.wait(120)
    wait_for(lambda: not box.is_running() or box.status() == psutil.STATUS_ZOMBIE)


def test_a_box_knows_none_of_our_secrets(monkeypatch, children):
    monkeypatch.setenv("POSELIFT_REDIS_URL", "redis://:hunter2@host")
    with Box(LIMITS, VIDEO) as box:
        box.walls()
        process = psutil.Process(box.pid)
        assert "hunter2" not in str(process.environ())
        assert "hunter2" not in str(process.cmdline())


def test_the_walls_wanted_are_the_walls_that_stand(children):
    with DecoderBoxes() as boxes:
        walls = boxes.check(Sandbox.REQUIRE)
        assert {"limits", "no-new-privileges", "seccomp"} <= set(walls.made_of)
        assert "seccomp" in str(boxes)


def test_a_file_that_is_not_there_starts_nothing(tmp_path, children):
    with DecoderBoxes() as boxes:
        with pytest.raises(NotAVideo, match=r"nothing\.mp4"), boxes.open(tmp_path / "nothing.mp4"):
            pass
        with pytest.raises(NotAVideo), boxes.open(tmp_path):
            pass
        assert not children()


def test_errors_keep_their_code_on_the_way_out_of_the_box(tmp_path, children):
    cut = make_video(tmp_path / "clip.mp4", frames=30)
    cut.write_bytes(cut.read_bytes()[:-1000])
    with (
        DecoderBoxes(LIMITS) as boxes,
        boxes.open(cut) as reader,
        pytest.raises(VideoTruncated, match="cut off"),
    ):
        reader.probe()
