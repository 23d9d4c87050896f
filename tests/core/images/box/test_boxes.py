"""What comes out of a picture's box is what comes out here; and what must never come out."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from core.box.channel import Nonsense
from core.box.limits import BoxLimits
from core.box.process import _environment
from core.errors import DecoderCrashed, DecoderLimits, ImageInvalid
from core.images.box.boxes import ImageBoxes, read_size
from core.images.reading import read_image
from tests.core.images.test_reading import ORIENTATION_TAG, STORED, encoded
from tests.videos import paint

LIMITS = BoxLimits(start_s=120.0)
INTRUDER = "tests.core.images.box.intruder"
ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def boxes():
    with ImageBoxes(LIMITS) as boxes:
        yield boxes


def turned(kind, orientation):
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    return encoded(STORED[orientation](paint(0, 128, 96)), kind, exif=exif)


def gray16(width, height):
    return Image.fromarray(np.arange(width * height, dtype=np.uint16).reshape(height, width) * 21)


PICTURES = {
    "turned jpeg": turned("JPEG", 6),
    "mirrored webp": turned("WEBP", 5),
    "turned png": turned("PNG", 8),
    "16-bit gray png": encoded(gray16(64, 48)),
    "palette png": encoded(Image.fromarray(paint(0, 64, 48)).convert("P")),
    "cmyk jpeg": encoded(Image.fromarray(paint(0, 64, 48)).convert("CMYK"), "JPEG"),
    "transparent webp": encoded(Image.fromarray(paint(0, 64, 48)).convert("RGBA"), "WEBP"),
    "larger than all slots": encoded(paint(0, 2500, 2400), "JPEG"),
    "a row longer than a slot": encoded(np.zeros((8, 1_500_000, 3), np.uint8), compress_level=1),
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_same_pixels(boxes, name):
    here, boxed = read_image(PICTURES[name]), boxes.read(PICTURES[name])
    np.testing.assert_array_equal(boxed, here)
    assert boxed.flags.c_contiguous
    assert boxed.flags.writeable
    assert boxed.flags.owndata


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "JPEG, PNG or WebP"),
        (encoded(paint(0, 64, 64), "GIF"), "JPEG, PNG or WebP"),
        (PICTURES["turned jpeg"][:700], "damaged"),
        (encoded(np.zeros((3, 3, 3), np.uint8)), "3 x 3"),
    ],
    ids=["empty", "gif", "cut", "tiny"],
)
def test_refusals_come_out_as_they_are(boxes, content, words):
    with pytest.raises(ImageInvalid, match=words) as boxed:
        boxes.read(content)
    with pytest.raises(ImageInvalid) as here:
        read_image(content)
    assert boxed.value.detail == here.value.detail


def test_the_size_limit_holds_in_the_box(boxes):
    picture = encoded(paint(0, 64, 48))
    assert boxes.read(picture, max_pixels=64 * 48).shape == (48, 64, 3)
    with pytest.raises(ImageInvalid, match="too large"):
        boxes.read(picture, max_pixels=64 * 48 - 1)


def test_no_two_pictures_see_the_same_box():
    process = psutil.Process()
    before = set(process.children())
    seen = []
    with ImageBoxes(LIMITS) as boxes:
        boxes.check()
        for _ in range(2):
            (warm,) = set(process.children()) - before
            seen.append(warm)
            boxes.read(PICTURES["turned jpeg"])
            assert not warm.is_running()
    assert len(set(seen)) == 2
    assert not set(process.children()) - before


def test_a_spare_box_that_has_died_is_replaced():
    with ImageBoxes(LIMITS) as boxes:
        boxes._warm_up()
        spare = psutil.Process(boxes._spare.pid)
        spare.kill()
        boxes._spare._process.wait()
        assert boxes.read(PICTURES["turned png"]).shape == (96, 128, 3)


@pytest.mark.parametrize("lie", ["too large", "half"])
def test_a_box_that_lies_is_ended(lie):
    with ImageBoxes(LIMITS, module=INTRUDER) as boxes, pytest.raises(DecoderCrashed, match="pict"):
        boxes.read(lie.encode())


def test_signs_of_life_give_no_more_time():
    limits = BoxLimits(start_s=120.0, silence_s=1.5)
    with ImageBoxes(limits, module=INTRUDER) as boxes, pytest.raises(DecoderLimits, match="within"):
        boxes.read(b"dawdle")


SHORT = """
import os, resource
from core.box.limits import BoxLimits
from core.errors import DecoderLost
from core.images.box.boxes import ImageBoxes

def numbers():
    return set(map(int, os.listdir("/proc/self/fd")))

before, lacking, (soft, hard) = numbers(), 0, resource.getrlimit(resource.RLIMIT_NOFILE)
free = [number for number in range(100) if number not in before]
with ImageBoxes(BoxLimits(start_s=120.0)) as boxes:
    for there_are in range(12):
        resource.setrlimit(resource.RLIMIT_NOFILE, (free[there_are], hard))
        try:
            boxes._start().close()
        except DecoderLost:
            lacking += 1
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert numbers() == before, there_are
print(lacking)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for the open descriptors")
def test_a_box_that_cannot_be_started_leaves_no_descriptor():
    """Whichever is not to be had; or each try would make the next one fail."""
    done = subprocess.run(
        [sys.executable, "-c", SHORT], capture_output=True, check=False, text=True
    )
    assert done.stderr == ""
    assert int(done.stdout) >= 8


def test_sizes_that_are_believed():
    assert read_size({"picture": {"size": [640, 480]}}, 640 * 480) == (640, 480)
    for told in (
        {"size": [640, 481]}, {"size": [7, 8]}, {"size": [-640, -480]}, {"size": [640.0, 480]},
        {"size": [640]}, {"size": [True, 480]}, {"size": "640"}, {}, None, [640, 480],
    ):  # fmt: skip
        with pytest.raises(Nonsense):
            read_size({"picture": told}, 640 * 480)
    with pytest.raises(Nonsense):
        read_size({"more": True}, 640 * 480)


IMPORTS = """
import os, sys
from core.images.box import inside
inside.get_ready()
threads = len(os.listdir("/proc/self/task")) if sys.platform == "linux" else 1
known = set(sys.modules)
from core.errors import ImageInvalid
from core.images.decoding import decode
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        try:
            decode(file.read()).tobytes()
        except ImageInvalid:
            pass
print(threads, sorted(set(sys.modules) - known), "numpy" in sys.modules)
"""


def test_decoding_loads_nothing_once_the_walls_stand(tmp_path):
    """And nothing brings a thread, which Landlock would not bind; and starting is cheap."""
    from tests.faults.hostile.pictures import hostile_pictures

    contents = [*PICTURES.values(), *(picture.content for picture in hostile_pictures())]
    paths = [tmp_path / str(number) for number, _ in enumerate(contents)]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-P", "-S", "-B", "-c", IMPORTS, *map(str, paths)],
        env=_environment(), capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert done.stdout == "1 [] False\n"
    assert done.stderr == ""
