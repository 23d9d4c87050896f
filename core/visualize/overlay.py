"""The 2D keypoints drawn over the picture they were found in."""

import numpy as np
from jaxtyping import Float32
from PIL import Image

from core.skeleton import KEYPOINT_NAMES
from core.visualize.palette import BACKGROUND, mix, person_colour, side_colour
from core.visualize.strokes import Strokes

_LINES = (
    ("left_ear", "left_eye"), ("left_eye", "nose"), ("nose", "right_eye"),
    ("right_eye", "right_ear"), ("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"),
    *(
        (f"{side}_{start}", f"{side}_{end}")
        for side in ("left", "right")
        for start, end in (
            ("shoulder", "hip"), ("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "index"),
            ("hip", "knee"), ("knee", "ankle"), ("ankle", "heel"), ("ankle", "foot_index"),
            ("heel", "foot_index"),
        )
    ),
)  # fmt: skip
LIMBS = tuple((KEYPOINT_NAMES.index(a), KEYPOINT_NAMES.index(b)) for a, b in _LINES)
_DOTS = tuple(
    joint
    for joint, name in enumerate(KEYPOINT_NAMES)
    if any(part in name for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"))
)
_MIN_OPACITY = 0.12
_FACE = KEYPOINT_NAMES.index("mouth_right")  # keypoints up to here lie in the face


def draw_overlay(
    picture: Image.Image,
    keypoints_px: Float32[np.ndarray, "33 2"],
    confidence: Float32[np.ndarray, "33"],
    *,
    observed: bool,
    person: int,
    line_px: float,
) -> None:
    """Draw one person into the picture: fainter where unsure, dashed where interpolated.

    Args:
        picture: changed in place.
        keypoints_px: in the picture's own pixels; NaN is left out.
        confidence: in [0, 1].
        observed: false where the keypoints were interpolated.
        person: which slot, for the colour of the midline.
        line_px: width of a limb.
    """
    known = np.isfinite(keypoints_px[:, 0]) & np.isfinite(keypoints_px[:, 1])
    if not known.any():
        return
    margin_px = 3 * line_px
    low = np.maximum(np.floor(keypoints_px[known].min(axis=0) - margin_px), 0).astype(int)
    high = np.ceil(keypoints_px[known].max(axis=0) + margin_px).astype(int)
    high = np.minimum(high, picture.size)
    if (high <= low).any():
        return
    corner, size = (int(low[0]), int(low[1])), (int(high[0] - low[0]), int(high[1] - low[1]))
    strokes = Strokes("RGBA", size, (float(low[0]), float(low[1])))
    pen = _Pen(strokes, keypoints_px, confidence, person, line_px)
    limbs = [(a, b) for a, b in LIMBS if known[a] and known[b]]
    if observed:
        pen.casing(limbs)
    pen.limbs(limbs, dashed=not observed)
    if observed:
        pen.dots([joint for joint in _DOTS if known[joint]])
    layer = strokes.finished()
    picture.paste(layer, corner, layer)


class _Pen:
    """The strokes of one person, with everything they depend on."""

    def __init__(
        self,
        strokes: Strokes,
        keypoints_px: Float32[np.ndarray, "33 2"],
        confidence: Float32[np.ndarray, "33"],
        person: int,
        line_px: float,
    ) -> None:
        self._strokes = strokes
        self._points = [(float(x), float(y)) for x, y in keypoints_px]
        self._opacity = _MIN_OPACITY + (1 - _MIN_OPACITY) * np.clip(confidence, 0, 1) ** 1.5
        self._person = person
        self._line_px = line_px

    def casing(self, limbs: list[tuple[int, int]]) -> None:
        """A dark rim, so that limbs stand out against any picture."""
        for start, end in limbs:
            fill = (*BACKGROUND, round(150 * self._limb_opacity(start, end)))
            width = self._width_px(start, end) + 0.7 * self._line_px
            self._strokes.capsule(self._points[start], self._points[end], width, fill)

    def limbs(self, limbs: list[tuple[int, int]], *, dashed: bool) -> None:
        draw = self._strokes.dashes if dashed else self._strokes.capsule
        for start, end in limbs:
            colours = {side_colour(KEYPOINT_NAMES[joint], self._person) for joint in (start, end)}
            colour = colours.pop() if len(colours) == 1 else person_colour(self._person)
            fill = (*colour, round(255 * self._limb_opacity(start, end)))
            draw(self._points[start], self._points[end], self._width_px(start, end), fill)

    def dots(self, joints: list[int]) -> None:
        for joint in joints:
            colour = side_colour(KEYPOINT_NAMES[joint], self._person)
            fill = (*mix(colour, (255, 255, 255), 0.55), round(255 * self._opacity[joint]))
            self._strokes.disc(self._points[joint], 0.62 * self._line_px, fill)

    def _limb_opacity(self, start: int, end: int) -> float:
        return float(min(self._opacity[start], self._opacity[end]))

    def _width_px(self, start: int, end: int) -> float:
        return self._line_px * (0.6 if max(start, end) <= _FACE else 1.0)
