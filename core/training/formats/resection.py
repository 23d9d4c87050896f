"""How a camera was turned, from points seen by it: for datasets of world points and pixels."""

import numpy as np
from jaxtyping import Float, Float64

from core.errors import DatasetInvalid

_MOST_POINTS = 4000
_WORST_REPROJECTION = 0.03
"""Median, of the picture's width; detectors err by a third of that."""
_CENTRE_SPREAD = 0.03
"""How far from the picture's centre the lens usually points, of its width: weak knowledge, without
which noise could trade the attitude of a camera for a lens that points aside."""
_STEPS = 40

_Points = Float64[np.ndarray, "points 3"]
_Pixels = Float64[np.ndarray, "points 2"]


def camera_rotation(
    points_m: Float[np.ndarray, "points 3"],
    pixels: Float[np.ndarray, "points 2"],
    size_px: tuple[int, int],
    name: str,
) -> Float64[np.ndarray, "3 3"]:
    """Rotation from world to camera axes (x right, y down, z away) that explains the pixels.

    An affine camera is fitted first; attitude, place, focal length, centre and two terms of radial
    distortion are then refined together, so that the squared distances, damped for outliers, are
    least (Levenberg-Marquardt with Cauchy weights).

    Args:
        points_m: world points that fill a volume, not a plane.
        pixels: where they are seen; rows with NaN are left out.
        size_px: width and height of the picture.
        name: of the camera, for messages.

    Raises:
        DatasetInvalid: too few points, or no camera explains the pixels.

    Source: Hartley and Zisserman, "Multiple View Geometry", 2nd edition, sections 7.2 to 7.4 and
        appendix 6.
    """
    known = np.isfinite(points_m).all(1) & np.isfinite(pixels).all(1)
    rows = np.flatnonzero(known)
    if len(rows) < 12:
        raise DatasetInvalid(f"Camera '{name}' sees too few points to say how it was turned.")
    # Spread over all clips, but at random: a stride could always meet the same joint.
    rows = np.random.default_rng(0).permutation(rows)[:_MOST_POINTS]
    width = float(size_px[0])
    world = points_m[rows].astype(np.float64)
    world -= world.mean(0)
    image = (pixels[rows].astype(np.float64) - np.array(size_px) / 2) / width
    best = min((_refine(start, world, image) for start in _starts(world, image)), key=_cost_of)
    if not best[1] < _WORST_REPROJECTION:
        raise DatasetInvalid(f"The 2D of camera '{name}' does not belong to the 3D beside it.")
    return _turn(best[0][:3]) @ best[2]


def _cost_of(refined: tuple[np.ndarray, float, np.ndarray]) -> float:
    return refined[1]


def _starts(world: _Points, image: _Pixels) -> list[tuple[Float64[np.ndarray, "3 3"], float]]:
    """First guesses of rotation and of picture widths a metre.

    An affine fit cannot tell a body from its reflection in depth: both are tried.
    """
    columns = np.hstack([world, np.ones((len(world), 1))])
    affine = np.linalg.lstsq(columns, image, rcond=None)[0][:3].T
    left, stretch, right = np.linalg.svd(affine, full_matrices=False)
    top = left @ right
    flipped = top * [1, 1, -1]
    guesses = [np.vstack([each, np.cross(each[0], each[1])]) for each in (top, flipped)]
    return [(guess, float(stretch.mean())) for guess in guesses]


def _refine(
    start: tuple[Float64[np.ndarray, "3 3"], float], world: _Points, image: _Pixels
) -> tuple[Float64[np.ndarray, "11"], float, Float64[np.ndarray, "3 3"]]:
    """Parameters, the median distance in picture widths, and the rotation they start from.

    Parameters: turn (3), place (3), log focal length, centre (2), distortion (2).
    """
    first, scale = start
    focal = 1.1
    values = np.zeros(11)
    values[5] = focal / max(scale, 1e-6)
    values[6] = np.log(focal)

    def residuals(values: np.ndarray) -> np.ndarray:
        apart = _project(values, first, world) - image
        # Cauchy: one residual of many widths counts little more than one of a few.
        length = np.linalg.norm(apart, axis=1, keepdims=True)
        damped = apart * np.sqrt(np.log1p((length / 0.01) ** 2)) / np.maximum(length / 0.01, 1e-9)
        # One point's worth of it: thousands of points outvote it where they say anything.
        weak = 0.01 * values[7:9] / _CENTRE_SPREAD
        return np.concatenate([damped.ravel(), weak])

    damping, now = 1e-3, residuals(values)
    for _ in range(_STEPS):
        moves = np.eye(11) * 1e-6
        slope = np.stack([(residuals(values + move) - now) / 1e-6 for move in moves], axis=1)
        square = slope.T @ slope
        step = np.linalg.solve(square + damping * np.diag(np.diag(square) + 1e-12), -slope.T @ now)
        after = residuals(values + step)
        if after @ after < now @ now:
            values, now, damping = values + step, after, damping / 5
        else:
            damping *= 5
        if damping > 1e8:
            break
    apart = np.linalg.norm(_project(values, first, world) - image, axis=1)
    return values, float(np.median(apart)), first


def _project(
    values: Float64[np.ndarray, "11"], first: Float64[np.ndarray, "3 3"], world: _Points
) -> _Pixels:
    seen = world @ (_turn(values[:3]) @ first).T + values[3:6]
    plane = seen[:, :2] / np.maximum(seen[:, 2:], 0.05)
    square = np.minimum((plane**2).sum(1, keepdims=True), 4.0)
    bent = plane * (1 + values[9] * square + values[10] * square**2)
    return np.exp(np.clip(values[6], -2, 4)) * bent + values[7:9]


def _turn(axis: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3 3"]:
    """Rotation about an axis by its length in radians (Rodrigues)."""
    angle = max(float(np.linalg.norm(axis)), 1e-12)
    x, y, z = axis / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
