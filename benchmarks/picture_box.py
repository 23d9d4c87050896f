"""What decoding a still picture in a box costs, while one waits for it and while none does."""

import time
from collections.abc import Callable
from io import BytesIO
from statistics import median

from PIL import Image

from benchmarks.cost import Cost, cost
from core.images.box.boxes import ImageBoxes
from core.images.reading import read_image

_SIZE = (1280, 960)
_PICTURES = 20
_REST_S = 0.5
"""Ample for the next box to be ready."""


def measure_pictures() -> dict[str, Cost]:
    """Medians, by name; processor time is that of the box's start, too."""
    content = BytesIO()
    Image.effect_noise(_SIZE, 60).convert("RGB").save(content, "JPEG", quality=85)
    picture = content.getvalue()
    with ImageBoxes() as boxes:
        boxes.check()
        return {
            "picture, here": _median(lambda: read_image(picture)),
            "picture, a box waits": _median(lambda: boxes.read(picture), rest_s=_REST_S),
            "pictures in a row, box": _median(lambda: boxes.read(picture)),
        }


def _median(work: Callable[[], object], rest_s: float = 0.0) -> Cost:
    costs = []
    for _ in range(_PICTURES):
        time.sleep(rest_s)
        costs.append(cost(work))
    return Cost(median(one.wall_ms for one in costs), median(one.cpu_ms for one in costs))
