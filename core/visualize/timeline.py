"""How sure the 2D was over time: a curve per person, with the gaps and what was interpolated."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
from jaxtyping import Float32, Float64
from PIL import Image

from core.visualize.figures import Figures
from core.visualize.lettering import write
from core.visualize.moments import confidence_over_time
from core.visualize.palette import MUTED, RULE, WARNING, Colour, mix, person_colour
from core.visualize.strokes import Point, Strokes

ROW_PX = 76
_AXIS_PX = 30
_ABOVE_PX = 26
_LETTERS_PX = 15
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)


def timeline_height_px(figures: Figures) -> int:
    """Of the picture that ``draw_timeline`` makes."""
    return _ABOVE_PX + ROW_PX * max(1, len(figures.rows)) + _AXIS_PX


def draw_timeline(
    figures: Figures, moments: Sequence[int], width_px: int, background: Colour
) -> Image.Image:
    """Confidence from 0 to 1 over the result's time; a line marks each of the moments."""
    times_s = figures.result.frame_time_s
    height_px = timeline_height_px(figures)
    strokes = Strokes("RGB", (width_px, height_px), fill=background)
    scale = _Scale(float(times_s[0]), float(times_s[-1]), width_px)
    low = height_px - _AXIS_PX
    for row in range(max(1, len(figures.rows))):
        base = float(_ABOVE_PX + ROW_PX * (row + 1))
        strokes.line([(0.0, base), (float(width_px), base)], 1.0, RULE)
    confidence = confidence_over_time(figures)
    for place, row in enumerate(figures.rows):
        base = float(_ABOVE_PX + ROW_PX * (place + 1))
        colour = person_colour(int(figures.result.track_id[row]))
        for start, stop, observed in _runs(figures, row):
            curve = _curve(scale, times_s[start:stop], confidence[row, start:stop], base)
            _draw_run(strokes, curve, base, colour if observed else WARNING, background)
    for moment in moments:
        x = scale.x(float(times_s[moment]))
        strokes.line([(x, _ABOVE_PX - 6.0), (x, float(low))], 1.0, MUTED)
    picture = strokes.finished()
    for time_s, label in scale.ticks():
        align = "left" if scale.x(time_s) < 12 else "centre"
        write(picture, [(label, MUTED)], (scale.x(time_s), low + 21.0), _LETTERS_PX, align)
    write(picture, [("2D confidence, 0 to 1", MUTED)], (0.0, _ABOVE_PX - 10.0), _LETTERS_PX)
    write(
        picture,
        [("interpolated", WARNING)],
        (float(width_px), _ABOVE_PX - 10.0),
        _LETTERS_PX,
        "right",
    )
    return picture


class _Scale:
    """Seconds to pixels."""

    def __init__(self, start_s: float, stop_s: float, width_px: int) -> None:
        self._start_s = start_s
        self._span_s = max(stop_s - start_s, 1e-3)
        self._width_px = width_px

    def x(self, time_s: float) -> float:
        return (time_s - self._start_s) / self._span_s * (self._width_px - 2) + 1

    def ticks(self) -> Iterator[tuple[float, str]]:
        step_s = next((s for s in _STEPS_S if self._span_s / s <= 12), _STEPS_S[-1])
        first = int(np.ceil(self._start_s / step_s - 1e-9))
        last = int(np.floor((self._start_s + self._span_s * 0.985) / step_s))
        for number in range(first, last + 1):
            yield number * step_s, f"{number * step_s:g} s"


def _runs(figures: Figures, row: int) -> Iterator[tuple[int, int, bool]]:
    """Stretches in which somebody is there, split where seen and interpolated meet."""
    state = figures.present[row].astype(int) + figures.result.observed[row]
    start = 0
    for kind, frames in groupby(state.tolist()):
        stop = start + len(list(frames))
        if kind:
            yield start, stop, kind == 2
        start = stop


def _curve(
    scale: _Scale,
    times_s: Float64[np.ndarray, "frames"],
    confidence: Float32[np.ndarray, "frames"],
    base: float,
) -> list[Point]:
    """At most one point a pixel: long results are averaged."""
    parts = np.array_split(np.arange(len(times_s)), min(len(times_s), _points_wide(scale, times_s)))
    return [
        (
            scale.x(float(times_s[part].mean())),
            base - (ROW_PX - 14) * float(confidence[part].mean()),
        )
        for part in parts
    ]


def _points_wide(scale: _Scale, times_s: Float64[np.ndarray, "frames"]) -> int:
    """How many pixels the times span."""
    return max(2, round(scale.x(float(times_s[-1])) - scale.x(float(times_s[0]))))


def _draw_run(
    strokes: Strokes, curve: list[Point], base: float, colour: Colour, background: Colour
) -> None:
    first, last = curve[0], curve[-1]
    if len(curve) == 1:
        first, last = (first[0] - 1, first[1]), (last[0] + 1, last[1])
    outline = [(first[0], base), first, *curve, last, (last[0], base)]
    strokes.polygon(outline, mix(background, colour, 0.16))
    strokes.line([first, *curve, last], 1.75, colour)
