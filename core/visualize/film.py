"""The film: the source video with its 2D overlay beside a slowly turning 3D skeleton."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import repeat
from pathlib import Path

import av
import numpy as np
from PIL import Image

from core.results.reader import PoseResult
from core.visualize.figures import Figures, interval_s
from core.visualize.footage import Footage
from core.visualize.lettering import write
from core.visualize.overlay import draw_overlay
from core.visualize.palette import BACKGROUND, LEFT, MUTED, RIGHT, TEXT, WARNING
from core.visualize.stage import Figure
from core.visualize.whole_files import whole_file

_TURN_S = 20.0  # one turn of the turntables
_WIDEST = 2.0  # a panel is at most this many times as wide as high
_TIME_BASE = Fraction(1, 90_000)


def render_video(
    result: PoseResult,
    video: Path | None,
    out: Path,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    max_height_px: int = 540,
) -> None:
    """Write an mp4 (H.264) with the true times of the result's frames.

    Memory does not grow with the film: pictures are decoded, drawn and encoded one by one.

    Args:
        result: what to show.
        video: the file it was made from; without it only the 3D is shown.
        out: written anew.
        on_progress: called with frames done and frames in total.
        max_height_px: of the film; the video is scaled to it.

    Raises:
        VideoMismatch: the result was made from another video.
    """
    frames = len(result.frame_time_s)
    composer = _Composer(result, video, 2 * (max_height_px // 2))
    with (
        whole_file(out) as partial,
        av.open(str(partial), "w", "mp4", options={"movflags": "faststart"}) as container,
    ):
        stream = container.add_stream("libx264", rate=_rate(result.frame_time_s))
        stream.width, stream.height = composer.size_px
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = _TIME_BASE
        stream.options = {"preset": "veryfast", "crf": "20"}
        for done, picture in enumerate(composer.pictures(), start=1):
            encoded = av.VideoFrame.from_image(picture)
            elapsed_s = result.frame_time_s[done - 1] - result.frame_time_s[0]
            encoded.pts, encoded.time_base = round(elapsed_s / _TIME_BASE), _TIME_BASE
            container.mux(stream.encode(encoded))
            if on_progress is not None:
                on_progress(done, frames)
        container.mux(stream.encode(None))


def _rate(times_s: np.ndarray) -> Fraction:
    """Nominal frames a second; the frames carry their true times."""
    return Fraction(1 / interval_s(times_s)).limit_denominator(1001)


class _Composer:
    """Lays out and draws the pictures of one film."""

    def __init__(self, result: PoseResult, video: Path | None, height_px: int) -> None:
        self._result = result
        self._footage = None if video is None else Footage(video, result)
        self._figures = Figures(result)
        self._stage = self._figures.stage(height_px)
        self._height_px = height_px
        self._scale = 0.0
        self._video_size_px = (0, 0)
        if self._footage is not None:
            width, height = self._footage.size_px
            self._scale = min(height_px / height, _WIDEST * height_px / width)
            scaled = 2 * round(width * self._scale / 2), round(height * self._scale)
            self._video_size_px = scaled
        stage_width = self._stage.size_px[0]
        self.size_px = (self._video_size_px[0] + stage_width, height_px)

    def pictures(self) -> Iterator[Image.Image]:
        times_s = self._result.frame_time_s
        sources = repeat(None)
        if self._footage is not None:
            sources = self._footage.pictures(times_s, self._video_size_px)
        for frame, (source, time_s) in enumerate(zip(sources, times_s, strict=False)):
            picture = Image.new("RGB", self.size_px, BACKGROUND)
            if source is not None:
                self._paste_video(picture, source, frame)
            picture.paste(self._panel(frame, float(time_s)), (self._video_size_px[0], 0))
            yield picture

    def _paste_video(self, picture: Image.Image, source: Image.Image, frame: int) -> None:
        for row in self._figures.rows:
            draw_overlay(
                source,
                self._result.keypoints_2d[row, frame] * np.float32(self._scale),
                self._result.keypoints_confidence[row, frame],
                observed=bool(self._result.observed[row, frame]),
                person=int(self._result.track_id[row]),
                line_px=self._height_px / 150,
            )
        picture.paste(source, (0, (self._height_px - source.height) // 2))

    def _panel(self, frame: int, time_s: float) -> Image.Image:
        elapsed_s = time_s - float(self._result.frame_time_s[0])
        figures = [self._figures.figure(row, frame) for row in self._figures.rows]
        panel = self._stage.draw(figures, 2 * np.pi * elapsed_s / _TURN_S)
        size = max(9, self._height_px // 38)
        left, right = 1.3 * size, panel.width - 1.3 * size
        low = panel.height - 1.3 * size
        index = int(self._result.frame_index[frame])
        write(panel, [(f"{time_s:.2f} s", TEXT), (f"frame {index}", MUTED)], (left, low), size)
        write(panel, [("root-relative", MUTED)], (right, low), size, "right")
        write(panel, [("left", LEFT), ("right", RIGHT)], (left, 2.1 * size), size)
        write(panel, [("halo: 1 and 2 sigma", MUTED)], (right, 2.1 * size), size, "right")
        note = _note(figures)
        if note:
            write(panel, [(note, WARNING)], (left, low - 1.6 * size), size)
        return panel


def _note(figures: Sequence[Figure | None]) -> str:
    if not figures or all(figure is None for figure in figures):
        return "nobody seen"
    if any(figure is not None and not figure.observed for figure in figures):
        return "interpolated"
    return ""
