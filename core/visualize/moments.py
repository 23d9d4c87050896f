"""Which moments of a result are worth a picture, and what part of the frame shows the people."""

import numpy as np
from jaxtyping import Float32, Float64

from core.tracking.sightings import MAIN_KEYPOINTS
from core.visualize.figures import Figures

_SURROUNDINGS = 1.4  # the crop's height, as a multiple of the people's
_HEADROOM = 0.12
_SURE = 0.3

Box = tuple[int, int, int, int]


def confidence_over_time(figures: Figures) -> Float32[np.ndarray, "persons frames"]:
    """Mean confidence of the main keypoints; 0 where nobody is there."""
    confidence = np.nan_to_num(figures.result.keypoints_confidence[..., MAIN_KEYPOINTS])
    return confidence.mean(axis=-1)


def choose_moments(figures: Figures, count: int) -> list[int]:
    """Frames spread over the time in which people are seen, each the surest around.

    Falls back to frames spread over the whole result when nobody is seen, and gives fewer than
    ``count`` when there are fewer frames.
    """
    result = figures.result
    seen = result.observed.any(axis=0)
    candidates = np.flatnonzero(seen) if seen.any() else np.arange(len(result.frame_time_s))
    together = (confidence_over_time(figures) * result.observed).sum(axis=0)
    moments = []
    for share in np.array_split(candidates, min(count, len(candidates))):
        middle = share[len(share) // 4 : len(share) - len(share) // 4]
        moments.append(int(middle[np.argmax(together[middle])]))
    return moments


def crops_around_people(
    figures: Figures, moments: list[int], frame_px: tuple[int, int], aspect: float
) -> list[Box]:
    """A part of the frame for each moment: around the people, all of one size, inside the frame.

    Args:
        figures: the people.
        moments: frames of the result.
        frame_px: width and height of the video's pictures.
        aspect: width by height of the parts.

    Returns:
        Left, top, right and bottom of each, in pixels.
    """
    largest_px = min(frame_px[1], frame_px[0] / aspect)
    boxes = [_people_box(figures, moment, frame_px) for moment in moments]
    heights = [max(b[3] - b[1], (b[2] - b[0]) / aspect) for b in boxes if b is not None]
    height_px = min(largest_px, _SURROUNDINGS * max(heights, default=largest_px))
    size = np.array([height_px * aspect, height_px])
    crops = []
    for box in boxes:
        around = (0, 0, *frame_px) if box is None else box
        centre = np.array([around[0] + around[2], around[1] + around[3]]) / 2
        corner = np.clip(centre - size / 2, 0, np.array(frame_px) - size)
        left, top, right, bottom = np.round([*corner, *(corner + size)]).astype(int).tolist()
        crops.append((left, top, right, bottom))
    return crops


def _people_box(
    figures: Figures, moment: int, frame_px: tuple[int, int]
) -> Float64[np.ndarray, "4"] | None:
    points = figures.result.keypoints_2d[:, moment]
    sure = np.nan_to_num(figures.result.keypoints_confidence[:, moment]) >= _SURE
    shown = points[sure & np.isfinite(points[..., 0])].astype(np.float64)
    if len(shown) == 0:
        return None
    low, high = shown.min(axis=0), shown.max(axis=0)
    low[1] -= _HEADROOM * (high[1] - low[1])  # the topmost keypoints are the eyes
    return np.concatenate([np.clip(low, 0, frame_px), np.clip(high, 0, frame_px)])
