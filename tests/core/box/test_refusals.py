"""Reasons that a box may give, and words that fit on a screen."""

import pytest

from core.box.channel import Nonsense
from core.box.limits import BoxLimits
from core.box.refusals import read_error, refusal
from core.errors import DecoderLimits, ImageInvalid, VideoError, VideoTruncated

LIMITS = BoxLimits(memory_bytes=1 << 20)


def read(told: object, kind: type = VideoError, noun: str = "video"):
    return read_error({"error": told}, kind, noun, LIMITS)


def test_reasons_are_the_files_own_and_their_words_are_plain():
    error = read(["video_truncated", "Cut\x1b[2J off.\n" + "x" * 9000])
    assert isinstance(error, VideoTruncated)
    assert error.detail.startswith("Cut[2J off.")
    assert len(error.detail) <= 500
    for told in (
        ["store_unavailable", "x"],
        ["no_such_code", "x"],
        ["image_invalid", "x"],
        ["video_truncated"],
        None,
        [1, 2],
    ):
        with pytest.raises(Nonsense):
            read(told)
    with pytest.raises(Nonsense, match="not the picture's"):
        read(["video_truncated", "x"], ImageInvalid, "picture")


def test_what_a_box_says_is_understood():
    damaged = refusal(ImageInvalid("Damaged."))["error"]
    error = read(damaged, ImageInvalid, "picture")
    assert (error.code, error.detail) == ("image_invalid", "Damaged.")
    for kind, noun in ((VideoError, "video"), (ImageInvalid, "picture")):
        error = read(refusal(MemoryError())["error"], kind, noun)
        assert isinstance(error, DecoderLimits)
        assert error.detail.startswith(f"Decoding this {noun} takes more than 1 MiB")
