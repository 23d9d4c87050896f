"""Promise: whatever is sent as a picture ends in pixels or a code, in a box of its own.

The pictures go through what a worker for single pictures decodes with. What its decoder might be
turned into, ``tests/core/images/box/intruder.py`` does.
"""

import gc
from dataclasses import replace
from io import BytesIO

import numpy as np
import psutil
import pytest
from PIL import Image

from core.box.limits import BoxLimits
from core.errors import DecoderCrashed, DecoderLimits, ImageInvalid, LiftError
from core.images.box.boxes import PICTURE_LIMITS, ImageBoxes
from core.images.reading import read_image
from tests.faults.hostile.pictures import hostile_pictures

PATIENT = BoxLimits(cpu_s=60, silence_s=300.0, start_s=300.0)
INTRUDER = "tests.core.images.box.intruder"


@pytest.fixture
def children():
    """Nothing is left of any box."""
    process = psutil.Process()
    gc.collect()
    before = set(process.children())
    yield lambda: set(process.children()) - before
    assert not set(process.children()) - before


def picture(width: int, height: int) -> bytes:
    content = BytesIO()
    Image.new("L", (width, height), 90).save(content, "JPEG")
    return content.getvalue()


def outcome(read, content):
    try:
        return read(content)
    except LiftError as error:
        return error.code, error.detail


@pytest.mark.filterwarnings("ignore")  # Pillow's, about odd EXIF
def test_hostile_pictures_end_in_pixels_or_a_code(children):
    codes = {"pixels": 0, "image_invalid": 0}
    with ImageBoxes(PATIENT) as boxes:
        for hostile in hostile_pictures():
            boxed, here = outcome(boxes.read, hostile.content), outcome(read_image, hostile.content)
            if isinstance(boxed, tuple):
                assert boxed == here, hostile.label
                codes[boxed[0]] += 1
            else:
                np.testing.assert_array_equal(boxed, here, err_msg=hostile.label)
                codes["pixels"] += 1
    assert min(codes.values()) >= 10  # neither did everything fail, nor nothing


def test_the_same_seed_makes_the_same_pictures():
    assert list(hostile_pictures()) == list(hostile_pictures())
    assert list(hostile_pictures()) != list(hostile_pictures(seed=1))


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("segfault", DecoderCrashed),
        ("leave", DecoderCrashed),
        ("hang up", DecoderCrashed),
        ("nonsense", DecoderCrashed),
        ("other words", DecoderCrashed),
        ("spin", DecoderLimits),
        ("sleep", DecoderLimits),
    ],
)
def test_whatever_becomes_of_a_decoder_is_a_code_and_the_next_picture_is_read(
    children, what, error
):
    # No more than one of them may end it: a busy machine is slow to do anything.
    limits = replace(
        PATIENT,
        cpu_s=3 if what == "spin" else PATIENT.cpu_s,  # its start counts, too
        silence_s=1.0 if what == "sleep" else PATIENT.silence_s,
    )
    with ImageBoxes(limits, module=INTRUDER) as boxes:
        with pytest.raises(error, match=r"picture|processor time") as caught:
            boxes.read(what.encode())
        assert not caught.value.retriable
        if what != "sleep":  # an honest decoder may be silent for a second as well
            assert (boxes.read(picture(32, 24)) == 90).all()


def test_a_picture_that_takes_too_much_memory_says_so(children):
    limits = replace(PATIENT, memory_bytes=48 << 20)
    with ImageBoxes(limits) as boxes:
        with pytest.raises(DecoderLimits, match="picture takes more than 48 MiB"):
            boxes.read(picture(6400, 6400))
        assert (boxes.read(picture(32, 24)) == 90).all()
        with pytest.raises(ImageInvalid):
            boxes.read(b"no picture")
    assert PICTURE_LIMITS.memory_bytes > 30 * 50_000_000  # of ten copies of the largest picture
