"""Smooth lines and discs: drawn larger than needed with Pillow, then scaled down."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

OVERSAMPLING = 2

Point = tuple[float, float]
Fill = tuple[int, ...] | int


class Strokes:
    """A pen over a transparent, opaque or grey layer; takes coordinates in final pixels.

    Later strokes replace earlier ones, alpha included, so that overlapping translucent limbs do not
    add up to darker spots.
    """

    def __init__(
        self, mode: str, size_px: tuple[int, int], origin_px: Point = (0.0, 0.0), fill: Fill = 0
    ) -> None:
        enlarged = (size_px[0] * OVERSAMPLING, size_px[1] * OVERSAMPLING)
        self._image = Image.new(mode, enlarged, fill)
        self._draw = ImageDraw.Draw(self._image)
        self._origin = origin_px

    def finished(self) -> Image.Image:
        return self._image.reduce(OVERSAMPLING)

    def lay_over(self, layer: "Strokes") -> None:
        """Put a transparent layer of the same size over everything so far."""
        self._image.paste(layer._image, (0, 0), layer._image)

    def capsule(self, start: Point, end: Point, width_px: float, fill: Fill) -> None:
        """A line with round ends."""
        ends = [self._at(start), self._at(end)]
        self._draw.line(ends, fill=fill, width=max(1, round(width_px * OVERSAMPLING)))
        for centre in (start, end):
            self.disc(centre, width_px / 2, fill)

    def sleeve(self, start: Point, end: Point, radii_px: tuple[float, float], fill: Fill) -> None:
        """The shape around two discs of different size."""
        along = np.array([end[0] - start[0], end[1] - start[1]])
        across = np.array([-along[1], along[0]]) / max(1e-6, float(np.hypot(*along)))
        ends = (start, radii_px[0]), (end, radii_px[1])
        edges = [[np.array(at) + side * radius * across for at, radius in ends] for side in (1, -1)]
        corners = [*edges[0], *edges[1][::-1]]
        self.polygon([(float(x), float(y)) for x, y in corners], fill)
        for centre, radius in ends:
            self.disc(centre, radius, fill)

    def dashes(self, start: Point, end: Point, width_px: float, fill: Fill) -> None:
        """A broken line; dashes keep their length whatever the line's."""
        length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
        count = max(1, round(length / (width_px * 3.2)))
        along = np.linspace(0, 1, 2 * count)
        points = np.outer(1 - along, start) + np.outer(along, end)
        for first, last in zip(points[::2], points[1::2], strict=True):
            self.line([(first[0], first[1]), (last[0], last[1])], width_px, fill)

    def line(self, points: Sequence[Point], width_px: float, fill: Fill) -> None:
        width = max(1, round(width_px * OVERSAMPLING))
        self._draw.line([self._at(p) for p in points], fill=fill, width=width, joint="curve")

    def disc(self, centre: Point, radius_px: float, fill: Fill) -> None:
        x, y = self._at(centre)
        radius = radius_px * OVERSAMPLING
        self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)

    def polygon(self, points: Sequence[Point], fill: Fill) -> None:
        self._draw.polygon([self._at(p) for p in points], fill=fill)

    def _at(self, point: Point) -> Point:
        x, y = point[0] - self._origin[0], point[1] - self._origin[1]
        return float(x) * OVERSAMPLING, float(y) * OVERSAMPLING
