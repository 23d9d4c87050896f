"""One picture that tells a result: moments of the video, the same in 3D, and confidence."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from core.results.reader import PoseResult
from core.visualize.figures import Figures
from core.visualize.footage import Footage
from core.visualize.lettering import write
from core.visualize.moments import choose_moments, crops_around_people
from core.visualize.overlay import draw_overlay
from core.visualize.palette import BACKGROUND, LEFT, MUTED, PANEL, RIGHT, TEXT
from core.visualize.stage import Stage
from core.visualize.timeline import draw_timeline
from core.visualize.whole_files import whole_file

_WIDTH_PX = 1600
_MARGIN_PX = 44
_GAP_PX = 14
_CORNER_PX = 12
_HEADER_PX = 70
_PICTURE_ASPECT, _PICTURE_ASPECT_OF_MANY = 0.8, 1.3  # width by height of a tile
_TALLEST_PX = 620
_STAGE_PX = 330
_LETTERS_PX = 17
_VIEWS = (("3D, as the camera sees it", 0.0), ("3D, from the side", np.pi / 2))
_MOMENTS, _MOMENTS_OF_MANY = 5, 3


def render_picture(result: PoseResult, video: Path | None, out: Path) -> None:
    """Write a PNG, 1600 pixels wide.

    Args:
        result: what to show.
        video: the file it was made from; without it the row of pictures is left out.
        out: written anew.

    Raises:
        VideoMismatch: the result was made from another video.
    """
    figures = Figures(result)
    moments = choose_moments(figures, _MOMENTS_OF_MANY if len(figures.rows) > 1 else _MOMENTS)
    inner_px = _WIDTH_PX - 2 * _MARGIN_PX
    bands = []
    if video is not None:
        bands.append(_draw_pictures(figures, moments, Footage(video, result), inner_px))
    bands += [_draw_view(figures, moments, inner_px, *view, timed=video is None) for view in _VIEWS]
    bands.append(_draw_confidence(figures, moments, inner_px))
    height_px = _HEADER_PX + sum(band.height + _GAP_PX for band in bands) + _MARGIN_PX - _GAP_PX
    sheet = Image.new("RGB", (_WIDTH_PX, height_px), BACKGROUND)
    _write_header(sheet, figures)
    top = _HEADER_PX
    for band in bands:
        sheet.paste(band, (_MARGIN_PX, top))
        top += band.height + _GAP_PX
    with whole_file(out) as partial:
        sheet.save(partial, "PNG", optimize=True)


def _write_header(sheet: Image.Image, figures: Figures) -> None:
    result = figures.result
    persons = len(figures.rows)
    people = {0: "nobody seen", 1: "1 person"}.get(persons, f"{persons} people")
    span_s = float(result.frame_time_s[-1] - result.frame_time_s[0])
    facts = [f"{len(result.frame_time_s)} frames", f"{span_s:.1f} s", people]
    sigma_m = result.joints_3d_sigma[np.isfinite(result.joints_3d_sigma)]
    if sigma_m.size:
        facts.append(f"median uncertainty {100 * float(np.median(sigma_m)):.1f} cm")
    name = result.manifest.source.filename or "2D keypoints"
    words = [(name[:60], TEXT), *((fact, MUTED) for fact in facts)]
    write(sheet, words, (float(_MARGIN_PX), 46.0), 21)
    legend = [("left", LEFT), ("right", RIGHT), ("halo: uncertainty, 1 and 2 sigma", MUTED)]
    write(sheet, legend, (float(_WIDTH_PX - _MARGIN_PX), 46.0), _LETTERS_PX, "right")


def _draw_pictures(
    figures: Figures, moments: list[int], footage: Footage, width_px: int
) -> Image.Image:
    """The video's pictures side by side, with the overlay, cut around the people."""
    result = figures.result
    count = len(moments)
    tile_px = (width_px - _GAP_PX * (count - 1)) // count
    wanted = _PICTURE_ASPECT_OF_MANY if len(figures.rows) > 1 else _PICTURE_ASPECT
    size_px = (tile_px, min(_TALLEST_PX, round(tile_px / wanted)))
    aspect = size_px[0] / size_px[1]
    crops = crops_around_people(figures, moments, footage.size_px, aspect)
    band = Image.new("RGB", (width_px, size_px[1]), BACKGROUND)
    times_s = result.frame_time_s[moments]
    for place, picture in enumerate(footage.pictures(times_s, footage.size_px)):
        tile = Image.new("RGB", size_px, PANEL)
        if picture is not None:
            tile = picture.crop(crops[place]).resize(size_px, Image.Resampling.LANCZOS)
            _draw_people(tile, figures, moments[place], crops[place])
            _write_time(tile, float(times_s[place]))
        left = place * (tile_px + _GAP_PX)
        band.paste(tile, (left, 0), _rounded(size_px))
    return band


def _draw_people(
    tile: Image.Image, figures: Figures, moment: int, crop: tuple[int, int, int, int]
) -> None:
    result, scale = figures.result, tile.width / (crop[2] - crop[0])
    for row in figures.rows:
        points = (result.keypoints_2d[row, moment] - crop[:2]) * scale
        draw_overlay(
            tile,
            points.astype(np.float32),
            result.keypoints_confidence[row, moment],
            observed=bool(result.observed[row, moment]),
            person=int(result.track_id[row]),
            line_px=4.2,
        )


def _write_time(tile: Image.Image, time_s: float) -> None:
    """On a dark patch in the corner, legible over any picture."""
    patch = Image.new("RGB", (84, 30), BACKGROUND)
    write(patch, [(f"{time_s:.2f} s", TEXT)], (42.0, 21.0), _LETTERS_PX, "centre")
    mask = _rounded(patch.size).point([round(0.8 * value) for value in range(256)])
    tile.paste(patch, (10, tile.height - 40), mask)


def _draw_view(
    figures: Figures,
    moments: list[int],
    width_px: int,
    title: str,
    azimuth_rad: float,
    *,
    timed: bool,
) -> Image.Image:
    """Everybody at every moment, next to each other in one panel, below their pictures."""
    rows = figures.rows
    template = figures.stage(_STAGE_PX)
    stage = Stage(
        (width_px, _STAGE_PX),
        template.slots * len(moments),
        template.top_m,
        template.reach_m,
        PANEL,
    )
    people = [figures.figure(row, moment) for moment in moments for row in rows]
    drawn = stage.draw(people or [None] * len(moments), azimuth_rad)
    write(drawn, [(title, MUTED)], (18.0, 32.0), _LETTERS_PX)
    for place, moment in enumerate(moments if timed else []):
        time_s = float(figures.result.frame_time_s[moment])
        middle = width_px * (place + 0.5) / len(moments)
        write(drawn, [(f"{time_s:.2f} s", TEXT)], (middle, _STAGE_PX - 12.0), _LETTERS_PX, "centre")
    return _card(drawn)


def _draw_confidence(figures: Figures, moments: list[int], width_px: int) -> Image.Image:
    inner = draw_timeline(figures, moments, width_px - 36, PANEL)
    card = Image.new("RGB", (width_px, inner.height + 10), PANEL)
    card.paste(inner, (18, 8))
    return _card(card)


def _card(picture: Image.Image) -> Image.Image:
    card = Image.new("RGB", picture.size, BACKGROUND)
    card.paste(picture, (0, 0), _rounded(picture.size))
    return card


def _rounded(size_px: tuple[int, int]) -> Image.Image:
    """A mask with round corners."""
    mask = Image.new("L", (2 * size_px[0], 2 * size_px[1]), 0)
    box = (0, 0, 2 * size_px[0] - 1, 2 * size_px[1] - 1)
    ImageDraw.Draw(mask).rounded_rectangle(box, 2 * _CORNER_PX, fill=255)
    return mask.reduce(2)
