"""Skeletons in 3D: each person stands on their own turntable, seen by a camera that looks down."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Float32, Float64
from PIL import Image

from core.skeleton import BODY
from core.visualize.palette import BACKGROUND, GRID, Colour, mix, person_colour, side_colour
from core.visualize.strokes import Point, Strokes

_TILT_RAD = np.deg2rad(11)
_DISTANCE_M = 6.0  # of the camera; gives a little perspective
_BONE_M = 0.042  # thickness of a bone
_HEAD_M = 0.19  # diameter
_TURNTABLE_M = 0.75
_GRID_STEP_M = 0.25
_MAX_HALO_M = 0.5
_PALE = 0.55  # how far interpolated figures fade into the background

_HEAD, _HEAD_TOP = BODY.index("head"), BODY.index("head_top")
_CHEST = [BODY.index(name) for name in ("left_shoulder", "right_shoulder", "right_hip", "left_hip")]
_TRUNK = [BODY.index(name) for name in ("spine", "spine2", "spine3", "spine4", "neck")]
_BONES = tuple((int(child), int(parent)) for child, parent in BODY.bones if child != _HEAD_TOP)


@dataclass(frozen=True, eq=False)
class Figure:
    """One person as they are to be drawn.

    Attributes:
        joints_m: relative to the pelvis, camera axes: x right, y down, z away.
        sigma_m: uncertainty of each joint, drawn as a halo of that radius; NaN for none.
        floor_m: where the floor is along y, from the pelvis down.
        observed: false where interpolated, which is drawn paler.
    """

    joints_m: Float32[np.ndarray, "28 3"]
    sigma_m: Float32[np.ndarray, "28"]
    floor_m: float
    observed: bool


@dataclass(frozen=True)
class Stage:
    """A panel with room for so many people side by side, each relative to their own pelvis.

    Attributes:
        size_px: width and height of the panel.
        slots: which people have a turntable here.
        top_m: how high above the floor the tallest pose reaches.
        reach_m: how far from the pelvis people reach sideways.
        background: what the figures stand before and fade into.
    """

    size_px: tuple[int, int]
    slots: tuple[int, ...]
    top_m: float
    reach_m: float
    background: Colour = BACKGROUND

    def draw(self, figures: Sequence[Figure | None], azimuth_rad: float) -> Image.Image:
        """All turntables turned by the same angle; 0 shows people as the video's camera saw them.

        Args:
            figures: one per entry of ``slots``; None leaves the turntable empty.
            azimuth_rad: positive turns people to their right as seen from above.
        """
        strokes = Strokes("RGB", self.size_px, fill=self.background)
        for place, figure in enumerate(figures):
            self._draw_turntable(strokes, place, azimuth_rad)
            if figure is not None:
                self._draw_shadow(strokes, place, figure, azimuth_rad)
        for place, figure in enumerate(figures):
            if figure is not None:
                self._draw_halo(strokes, place, figure, azimuth_rad)
                self._draw_body(strokes, place, figure, azimuth_rad)
        return strokes.finished()

    def project(
        self, points_m: Float[np.ndarray, "points 3"], place: int, azimuth_rad: float
    ) -> Float64[np.ndarray, "points 3"]:
        """Points above the turntable (x right, y up from the floor, z away) onto the panel.

        Returns:
            x and y in pixels, and pixels per metre at that depth.
        """
        turn = np.array([np.cos(azimuth_rad), np.sin(azimuth_rad)])
        side = points_m[:, 0] * turn[0] + points_m[:, 2] * turn[1]
        away = points_m[:, 2] * turn[0] - points_m[:, 0] * turn[1]
        up = points_m[:, 1] - self.top_m / 2
        depth = _DISTANCE_M + away * np.cos(_TILT_RAD) - up * np.sin(_TILT_RAD)
        px_per_m = self._px_per_m * _DISTANCE_M / depth
        rise = up * np.cos(_TILT_RAD) + away * np.sin(_TILT_RAD)
        x_px = self.size_px[0] * (place + 0.5) / len(self.slots) + px_per_m * side
        y_px = self.size_px[1] * 0.52 - px_per_m * rise
        return np.stack([x_px, y_px, px_per_m], axis=1)

    @cached_property
    def _px_per_m(self) -> float:
        radius_m = max(self.reach_m, _TURNTABLE_M)
        wide = self.size_px[0] / len(self.slots) / (2.15 * radius_m)
        tall_m = self.top_m * np.cos(_TILT_RAD) + 2 * _TURNTABLE_M * np.sin(_TILT_RAD)
        return float(min(wide, 0.82 * self.size_px[1] / tall_m))

    def _draw_turntable(self, strokes: Strokes, place: int, azimuth_rad: float) -> None:
        around = np.linspace(0, 2 * np.pi, 73)
        rim = np.stack([np.cos(around), np.zeros(73), np.sin(around)], axis=1) * _TURNTABLE_M
        rim_px = _points(self.project(rim, place, azimuth_rad))
        strokes.polygon(rim_px, mix(self.background, GRID, 0.22))
        for offset_m in np.arange(-2, 3) * _GRID_STEP_M:
            half_m = float(np.sqrt(_TURNTABLE_M**2 - offset_m**2))
            along = np.array([[offset_m, 0, -half_m], [offset_m, 0, half_m]])
            for ends in (along, along[:, ::-1]):
                line = _points(self.project(ends, place, azimuth_rad))
                strokes.line(line, 1.0, mix(self.background, GRID, 0.75))
        strokes.line(rim_px, 1.5, GRID)

    def _draw_shadow(
        self, strokes: Strokes, place: int, figure: Figure, azimuth_rad: float
    ) -> None:
        points = _above_floor(figure)
        points[:, 1] = 0
        on_floor = self.project(points, place, azimuth_rad)
        width_px = _BONE_M * self._px_per_m
        for child, parent in _BONES:
            ends = _points(on_floor[[child, parent]])
            strokes.capsule(ends[0], ends[1], width_px, mix(self.background, (0, 0, 0), 0.35))

    def _draw_halo(self, strokes: Strokes, place: int, figure: Figure, azimuth_rad: float) -> None:
        """A sleeve of one standard deviation around the bones, a fainter one of two; the chest."""
        layer = Strokes("RGBA", self.size_px)
        joints_px = self.project(_above_floor(figure), place, azimuth_rad)
        centres = _points(joints_px)
        halo_m = np.nan_to_num(figure.sigma_m)
        for times, alpha in ((2, 20), (1, 46)):
            radius_px = joints_px[:, 2] * np.minimum(times * halo_m, _MAX_HALO_M)
            for child, parent in _BONES:
                colour = side_colour(BODY.names[child], self.slots[place])
                radii = float(radius_px[child]), float(radius_px[parent])
                layer.sleeve(centres[child], centres[parent], radii, (*colour, alpha))
        chest = (*person_colour(self.slots[place]), 64 if figure.observed else 30)
        layer.polygon([centres[joint] for joint in _CHEST], chest)
        strokes.lay_over(layer)

    def _draw_body(self, strokes: Strokes, place: int, figure: Figure, azimuth_rad: float) -> None:
        """Bones from far to near, each cut out of what lies behind it."""
        points = _above_floor(figure)
        joints_px = self.project(points, place, azimuth_rad)
        nearness = joints_px[:, 2]
        for child, parent in sorted(_BONES, key=lambda b: nearness[b[0]] + nearness[b[1]]):
            px_per_m = float(nearness[[child, parent]].mean())
            colour = self._shade(child, place, figure, px_per_m)
            # The rim spares the joints, where bones of one limb meet.
            middle = joints_px[[child, parent]] * 0.8 + joints_px[[parent, child]] * 0.2
            if child not in _TRUNK:
                strokes.line(_points(middle), _BONE_M * px_per_m + 3, self.background)
            start, end = _points(joints_px[[child, parent]])
            strokes.capsule(start, end, _BONE_M * px_per_m, colour)
            if child == _HEAD:
                self._draw_head(strokes, joints_px, colour)

    def _draw_head(
        self, strokes: Strokes, joints_px: Float64[np.ndarray, "28 3"], colour: Colour
    ) -> None:
        middle = joints_px[[_HEAD, _HEAD_TOP]].mean(axis=0)
        centre, radius_px = (float(middle[0]), float(middle[1])), _HEAD_M / 2 * float(middle[2])
        strokes.disc(centre, radius_px + 1.5, self.background)
        strokes.disc(centre, radius_px, colour)

    def _shade(self, joint: int, place: int, figure: Figure, px_per_m: float) -> Colour:
        """The joint's colour, fading with distance and where nobody was observed."""
        colour = side_colour(BODY.names[joint], self.slots[place])
        nearer = px_per_m / self._px_per_m - 1  # about -0.1 behind the pelvis to 0.1 before it
        shaded = mix(colour, self.background, 0.16 - 2.6 * nearer)
        return shaded if figure.observed else mix(shaded, self.background, _PALE)


def _above_floor(figure: Figure) -> Float64[np.ndarray, "28 3"]:
    """Joints with y up from the floor."""
    points = figure.joints_m.astype(np.float64)
    points[:, 1] = figure.floor_m - points[:, 1]
    return points


def _points(projected: Float64[np.ndarray, "points 3"]) -> list[Point]:
    return [(float(x), float(y)) for x, y, _ in projected]
