"""How much a mean would change with other clips: frames of one clip are no independent samples."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

DRAWS = 1000
LEVEL = 0.95


def clip_interval(
    sums: Float[np.ndarray, "clips"],
    counts: Float[np.ndarray, "clips"],
    seed: int,
    *,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> tuple[float, float]:
    """Percentile bootstrap of ``sum(sums) / sum(counts)``, clips drawn with replacement.

    Args:
        sums: of the metric over each clip.
        counts: how many values each sum has; a clip without any says nothing and is left out.
        seed: of the draws; the same seed gives the same interval.
        draws: how many times the clips are drawn anew.
        level: nominal coverage of the interval, 0 to 1.

    Returns:
        The lower and the upper end; NaN when fewer than two clips have values.

    Source: Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 1979;
        over clusters, Davison and Hinkley, "Bootstrap Methods and their Application", 1997.
    """
    used = counts > 0
    clips = int(used.sum())
    if clips < 2:
        return float("nan"), float("nan")
    times_drawn = np.random.default_rng(seed).multinomial(
        clips, np.full(clips, 1 / clips), size=draws
    )
    means = (times_drawn @ sums[used]) / (times_drawn @ counts[used])
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def block_interval(
    clips: Sequence[Float[np.ndarray, "_"]],
    block_frames: Sequence[int],
    seed: int,
    *,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> tuple[float, float]:
    """Circular block bootstrap of the mean over all frames of a few long recordings.

    With one or two recordings there are no clips to draw. Drawn instead are blocks of frames,
    long enough that one block says little about the next. The interval speaks of more footage of
    this kind: the same people, places and cameras.

    Args:
        clips: a value for each frame of each recording, finite, in order of time.
        block_frames: length of the blocks of each recording, at least 1.
        seed: of the draws; the same seed gives the same draws, so that the interval of a difference
            of two methods is that of paired draws.
        draws: how many times the blocks are drawn anew.
        level: nominal coverage of the interval, 0 to 1.

    Returns:
        The lower and the upper end; NaN with fewer than two whole blocks in all.

    Source: Politis and Romano, "A circular block-resampling procedure for stationary data", 1992.
    """
    used = [(values, size) for values, size in zip(clips, block_frames, strict=True) if len(values)]
    if sum(len(values) // size for values, size in used) < 2:
        return float("nan"), float("nan")
    dice = np.random.default_rng(seed)
    total, frames = np.zeros(draws), 0
    for values, size in used:
        size = min(size, len(values))
        ahead = np.concatenate([[0.0], np.cumsum(np.concatenate([values, values[:size]]))])
        means = (ahead[size : size + len(values)] - ahead[: len(values)]) / size
        starts = dice.integers(len(values), size=(draws, -(-len(values) // size)))
        total += means[starts].mean(axis=1) * len(values)
        frames += len(values)
    low, high = np.quantile(total / frames, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
