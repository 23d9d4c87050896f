"""Still pictures: upright RGB, or one coded refusal."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.errors import ImageInvalid
from core.images.reading import read_image
from tests.videos import is_upright, paint

ORIENTATION_TAG = 0x0112
# EXIF orientation -> how the stored picture was made from the upright one.
STORED = {
    1: lambda rgb: rgb,
    2: lambda rgb: rgb[:, ::-1],
    3: lambda rgb: rgb[::-1, ::-1],
    4: lambda rgb: rgb[::-1],
    5: lambda rgb: rgb.swapaxes(0, 1),
    6: lambda rgb: np.rot90(rgb),
    7: lambda rgb: rgb[::-1, ::-1].swapaxes(0, 1),
    8: lambda rgb: np.rot90(rgb, -1),
}


def encoded(rgb, kind="PNG", **options):
    file = BytesIO()
    picture = rgb if isinstance(rgb, Image.Image) else Image.fromarray(np.ascontiguousarray(rgb))
    picture.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_formats(kind):
    painted = paint(5, 128, 96)
    rgb = read_image(encoded(painted, kind))
    assert rgb.shape == (96, 128, 3)
    assert rgb.flags.c_contiguous
    assert is_upright(rgb)
    assert kind != "PNG" or np.array_equal(rgb, painted)


@pytest.mark.parametrize("orientation", STORED)
def test_exif_orientation_is_applied(orientation):
    painted = paint(0, 128, 96)
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    content = encoded(STORED[orientation](painted), "PNG", exif=exif)
    np.testing.assert_array_equal(read_image(content), painted)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "CMYK"])
def test_other_modes_become_rgb(mode):
    picture = Image.fromarray(paint(0, 128, 96)).convert(mode)
    rgb = read_image(encoded(picture, "JPEG" if mode == "CMYK" else "PNG"))
    assert rgb.shape == (96, 128, 3)
    assert rgb.dtype == np.uint8
    assert mode in {"L", "LA", "1"} or is_upright(rgb, tolerance=70)


def test_sixteen_bit_gray_is_scaled_not_clipped():
    gray = np.linspace(0, 65_535, 64 * 64).astype(np.uint16).reshape(64, 64)
    rgb = read_image(encoded(Image.fromarray(gray)))
    assert rgb[0, 0, 0] == 0
    assert rgb[-1, -1, 0] == 255
    assert 120 < rgb[32, 0, 0] < 135


def test_sixteen_bit_gray_is_turned_upright_too():
    gray = np.arange(64 * 32, dtype=np.uint16).reshape(32, 64) * 32
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = 6
    rgb = read_image(encoded(Image.fromarray(STORED[6](gray).copy()), exif=exif))
    np.testing.assert_array_equal(rgb[..., 1], gray >> 8)


def test_the_first_frame_of_an_animation():
    frames = [Image.fromarray(paint(index, 128, 96)) for index in range(3)]
    content = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    np.testing.assert_array_equal(read_image(content), paint(0, 128, 96))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture",
        encoded(paint(0, 64, 64), "BMP"),
        encoded(paint(0, 64, 64), "GIF"),
        encoded(paint(0, 64, 64), "TIFF"),
        encoded(paint(0, 64, 64), "JPEG")[:400],
        encoded(paint(0, 64, 64), "PNG")[:150],
    ],
    ids=["empty", "text", "bmp", "gif", "tiff", "cut jpeg", "cut png"],
)
def test_unreadable_pictures(content):
    with pytest.raises(ImageInvalid, match="JPEG, PNG or WebP"):
        read_image(content)


def test_tiny_pictures():
    with pytest.raises(ImageInvalid, match="3 x 3"):
        read_image(encoded(np.zeros((3, 3, 3), np.uint8)))


@pytest.mark.parametrize("side_px", [8000, 12_000, 60_000])  # ours, Pillow's warning, its error
def test_bombs_are_refused_before_decoding(side_px):
    content = bytearray(encoded(np.zeros((16, 16, 3), np.uint8)))
    content[16:24] = side_px.to_bytes(4, "big") * 2  # width and height in the PNG's header
    import zlib

    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    with pytest.raises(ImageInvalid, match="too large"):
        read_image(bytes(content))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_ends_in_a_picture_or_a_coded_error(data):
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP"]))
    content = bytearray(encoded(paint(0, 32, 32), kind))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    try:
        rgb = read_image(bytes(content))
    except ImageInvalid:
        return
    assert rgb.ndim == 3
