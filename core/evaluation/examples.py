"""Which clips to look at: numbers hide what a picture shows at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.evaluation.metrics import mpjpe
from core.evaluation.stretches import ClipPoses


@dataclass(frozen=True, eq=False)
class Example:
    """A stretch worth a picture.

    Attributes:
        why: ``first``, ``median`` or ``worst`` of all by its mean error.
        stretch: the clip itself.
        mpjpe_mm: its mean error.
    """

    why: str
    stretch: ClipPoses
    mpjpe_mm: float


def choose_examples(stretches: Sequence[ClipPoses]) -> tuple[Example, ...]:
    """The first, the median and the worst of those of which anything was predicted.

    The first is whatever came first, so that not only extremes are looked at; with few clips the
    same one may appear twice.
    """
    errors_mm = [_mean_error_mm(stretch) for stretch in stretches]
    scored = [i for i, error in enumerate(errors_mm) if np.isfinite(error)]
    if not scored:
        return ()
    ranked = sorted(scored, key=lambda i: errors_mm[i])
    chosen = {"first": scored[0], "median": ranked[len(ranked) // 2], "worst": ranked[-1]}
    return tuple(Example(why, stretches[i], errors_mm[i]) for why, i in chosen.items())


def _mean_error_mm(stretch: ClipPoses) -> float:
    errors_m = mpjpe(stretch.predicted_m, stretch.truth_m)
    known = errors_m[np.isfinite(errors_m)]
    return 1000 * float(known.mean()) if len(known) else float("nan")
