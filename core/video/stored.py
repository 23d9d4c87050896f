"""Pictures as they come out of the decoder: their true size, made smaller, not yet upright."""

from dataclasses import dataclass
from fractions import Fraction

from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from core.video.facts import VideoFacts
from core.video.whole_shrink import shrink_by_whole

# Pixels of real formats are between these; anything else is a damaged header.
_PLAUSIBLE_ASPECTS = (Fraction(1, 4), Fraction(4))
_SCALED_AS_STORED = frozenset(
    f"yuv{full}{sampling}p{depth}"
    for full in ("", "j")
    for sampling in (420, 422, 444)
    for depth in ("", "10le")
) | {"nv12"}


def clockwise_turn_deg(image: VideoFrame) -> int:
    """How far to turn a stored picture clockwise so that it stands upright: 0, 90, 180 or 270.

    The file may hold any angle; it is rounded to the nearest quarter turn.
    """
    return -90 * round(image.rotation / 90) % 360


def square_size(image: VideoFrame, pixel_aspect: Fraction | None) -> tuple[int, int]:
    """Width and height of a stored picture once its pixels are made square.

    The shorter side is stretched, so that no detail is lost.

    Args:
        image: as it came out of the decoder.
        pixel_aspect: width over height of one stored pixel; ``None`` or nonsense means square.
    """
    low, high = _PLAUSIBLE_ASPECTS
    if pixel_aspect is None or not low <= pixel_aspect <= high:
        return image.width, image.height
    if pixel_aspect >= 1:
        return round(image.width * pixel_aspect), image.height
    return image.width, round(image.height / pixel_aspect)


@dataclass(frozen=True, eq=False)
class StoredPicture:
    """One used frame before it is turned to RGB: half the bytes, or less.

    Attributes:
        index: as in ``Frame``.
        time_s: as in ``Frame``.
        image: as stored, not yet upright, perhaps made smaller.
    """

    index: int
    time_s: float
    image: VideoFrame


def fitted(width: int, height: int, longest_side_px: int | None) -> tuple[int, int]:
    """The size, made smaller to even sides of the same shape if a side is longer than that."""
    if longest_side_px is None or max(width, height) <= longest_side_px:
        return width, height
    share = longest_side_px / max(width, height)
    return max(2, 2 * round(width * share / 2)), max(2, 2 * round(height * share / 2))


class Shrink:
    """Makes the pictures of one video smaller if a side is longer than needed.

    Planes are scaled as they are stored, which costs half as much as scaling RGB does.

    Args:
        longest_side_px: pictures up to this are left as they are; None leaves all.
    """

    def __init__(self, longest_side_px: int | None) -> None:
        self._longest_side_px = longest_side_px
        self._reformatter = VideoReformatter()  # keeps the scaler's tables between pictures

    def __call__(self, image: VideoFrame) -> VideoFrame:
        width, height = fitted(image.width, image.height, self._longest_side_px)
        if (width, height) == (image.width, image.height):
            return image
        smaller = shrink_by_whole(image, width, height)
        if smaller is not None:
            return smaller
        stored = image.format.name if image.format.name in _SCALED_AS_STORED else "rgb24"
        # Averages what falls into a pixel: other filters skip pixels, and thin limbs would flicker.
        return self._reformatter.reformat(
            image, width, height, stored, interpolation=Interpolation.AREA, threads=1
        )


def stored_size(facts: VideoFacts, longest_side_px: int | None) -> tuple[int, int]:
    """Width and height of a video's pictures with square pixels, before they are turned."""
    width, height = fitted(facts.width_px, facts.height_px, longest_side_px)
    return (height, width) if facts.rotation_deg in (90, 270) else (width, height)


class SquareRgb:
    """Converts the pictures of one video to RGB with square pixels, all of the first one's size.

    Args:
        facts: of the video.
        longest_side_px: of the pictures that come out; None for the size that the facts tell.
    """

    def __init__(self, facts: VideoFacts, longest_side_px: int | None = None) -> None:
        self.width_px, self.height_px = stored_size(facts, longest_side_px)
        self._reformatter = VideoReformatter()  # keeps the conversion tables between pictures

    def __call__(self, image: VideoFrame) -> VideoFrame:
        return self._reformatter.reformat(image, self.width_px, self.height_px, "rgb24", threads=1)
