"""Where in a picture people are: in the whole of it, and closer around where they were.

The detector tells roughly, the less exactly the smaller people are in the picture, and sometimes
upside down. So whoever it sees is read by the landmark network, which tells better, and also
whether there is anybody at all.
"""

import math

import numpy as np

from core.keypoints.blazepose.crops import (
    Alignment,
    OnePerson,
    level_squares,
    radius_px,
    upright_crops,
    whole_picture,
)
from core.keypoints.blazepose.networks import Pictures, PoseNetworks

PRESENT = 0.5
"""Somebody is there from this presence on; MediaPipe's own threshold."""

_WINDOW_RADII = 3.0  # side of the window in which somebody overlooked is searched for
_MOST_PARTS = 6
_FEWEST_PARTS = 2  # a single one is the whole picture
_MOST_PEOPLE = 8  # in a crowd, the surest
_SMALLEST_RADIUS_PX = 2.0


def look_around(networks: PoseNetworks, pictures: Pictures, chosen: list[int]) -> list[Alignment]:
    """Who is in each chosen picture, as the detector sees it as a whole."""
    _, height, width, _ = pictures.shape
    placement = np.repeat(whole_picture(width, height), len(chosen), axis=0)
    seen = [
        _usable(boxes.alignment)[:_MOST_PEOPLE]
        for boxes in networks.detect(pictures, chosen, placement)
    ]
    if not any(map(len, seen)):
        return seen
    owners = np.repeat(np.arange(len(chosen)), [len(people) for people in seen])
    places = [chosen[owner] for owner in owners]
    closely, there = _read(networks, pictures, places, np.concatenate(seen))
    return [closely[(owners == owner) & there] for owner in range(len(chosen))]


def look_into_parts(networks: PoseNetworks, pictures: Pictures, picture: int) -> Alignment:
    """Who is in squares along a picture, in which people appear larger than in the whole.

    Somebody in the overlap of two squares comes twice.
    """
    _, height, width, _ = pictures.shape
    side_px, length_px = float(min(height, width)), float(max(height, width))
    # Each overlaps half of its neighbours, unless the picture is a ribbon.
    count = min(math.ceil(2 * length_px / side_px) - 1, _MOST_PARTS)
    if count < _FEWEST_PARTS:
        return np.zeros((0, 2, 2))
    along = np.linspace(side_px / 2, length_px - side_px / 2, count)
    across = np.full(count, side_px / 2)
    centres = np.stack([along, across] if width > height else [across, along], axis=-1)
    squares = level_squares(centres, np.full(count, side_px))
    boxes = networks.detect(pictures, [picture] * count, squares)
    seen = _usable(np.concatenate([one.alignment for one in boxes]))[:_MOST_PEOPLE]
    closely, there = _read(networks, pictures, [picture] * len(seen), seen)
    return closely[there]


def look_closer(
    networks: PoseNetworks, pictures: Pictures, picture: int, around: Alignment
) -> list[OnePerson | None]:
    """Whom the detector sees in a window around each person; failing that, the landmark network.

    In a window people appear as large as the detector likes them, however small they are in the
    picture. The landmark network also sees people whose face is hidden, but only those who are
    where they were.

    Returns:
        In the order of ``around``; None where nobody is.
    """
    places = [picture] * len(around)
    windows = level_squares(around[:, 0], _WINDOW_RADII * radius_px(around))
    candidates = [
        _nearest(_usable(boxes.alignment), former)
        for boxes, former in zip(networks.detect(pictures, places, windows), around, strict=True)
    ]
    closely, there = _read(networks, pictures, places, np.stack(candidates))
    return [one if is_there else None for one, is_there in zip(closely, there, strict=True)]


def _read(
    networks: PoseNetworks, pictures: Pictures, places: list[int], seen: Alignment
) -> tuple[Alignment, np.ndarray]:
    """What the landmark network says about where these people are, and which of them are there."""
    people = networks.read(pictures, places, upright_crops(seen))
    large_enough = radius_px(people.alignment) >= _SMALLEST_RADIUS_PX
    return people.alignment, (people.presence >= PRESENT) & large_enough


def _usable(alignment: Alignment) -> Alignment:
    return alignment[radius_px(alignment) >= _SMALLEST_RADIUS_PX]


def _nearest(seen: Alignment, former: OnePerson) -> OnePerson:
    """Whoever is where they were; if nobody was seen, where they were."""
    if not len(seen):
        return former
    return seen[np.argmin(np.linalg.norm(seen - former, axis=-1).sum(-1))]
