"""What comes and goes: exchanged sides, merged limbs, bursts; how often and for how long."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from benchmarks.detector_noise_numbers import FEWEST, Numbers, mean_of, rounded
from benchmarks.detector_noise_pairs import CHAINS, Pair

_BURST = 3.0  # times the part's median difference in the clip
_BURST_M = 0.04
_UNSURE, _SURE = 0.3, 0.9


def bursts(pairs: Sequence[Pair], part: list[int]) -> Numbers:
    """Differences far beyond the usual: how often, how long, and how visible the joint is then."""
    shares, durations_s, hits = [], [], []
    for pair in pairs:
        length = np.linalg.norm(pair.keypoints_m[:, part], axis=-1)
        length[~pair.inside[:, part] | pair.any_swap[:, None]] = np.nan
        known = np.isfinite(length)
        if known.sum() < FEWEST:
            continue
        usual = float(np.nanmedian(length))
        with np.errstate(invalid="ignore"):
            burst = length > max(_BURST * usual, _BURST_M)
        shares.append(burst[known].mean())
        durations_s += [d for joint in burst.T for d in episodes_s(joint, pair.step_s)]
        hits.append(np.stack([burst[known], pair.confidence[:, part][known]]))
    if not hits:
        return {"share": None, "median_s": None, "share_unsure": None, "share_sure": None}
    burst, confidence = np.concatenate(hits, 1)
    return {
        "share": rounded(float(np.mean(shares)), 3),
        "median_s": rounded(float(np.median(durations_s))) if durations_s else None,
        "share_unsure": mean_of(burst[confidence < _UNSURE]),
        "share_sure": mean_of(burst[confidence > _SURE]),
    }


def swaps(pairs: Sequence[Pair], chain: str) -> Numbers:
    """How often left and right of a chain are exchanged, and whether in 2D, in 3D or in both."""
    flat = [pair.swapped_2d[chain] for pair in pairs]
    solid = [pair.swapped_3d[chain] for pair in pairs]
    either = np.concatenate(flat), np.concatenate(solid)
    return {
        **marked(pairs, flat, chain),
        "frames_2d": int(either[0].sum()),
        "frames_3d": int(either[1].sum()),
        "frames_both": int((either[0] & either[1]).sum()),
    }


def marked(pairs: Sequence[Pair], marks: Sequence[np.ndarray], chain: str) -> Numbers:
    """Share of the frames that show the whole chain, episodes a minute, and their usual length."""
    seen = [pair.inside[:, CHAINS[chain]].all(1) for pair in pairs]
    lasted = [
        one
        for pair, mark in zip(pairs, marks, strict=True)
        for one in episodes_s(mark, pair.step_s)
    ]
    minutes = sum(s.sum() * pair.step_s for s, pair in zip(seen, pairs, strict=True)) / 60
    return {
        "share": rounded(np.concatenate(marks).sum() / max(1, np.concatenate(seen).sum()), 4),
        "a_minute": rounded(len(lasted) / max(minutes, 1e-6)),
        "median_s": rounded(float(np.median(lasted))) if lasted else None,
    }


def episodes_s(mark: Bool[np.ndarray, "frames"], step_s: float) -> list[float]:
    """How long each unbroken run of marked frames lasts."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mark.astype(int), [0]])))
    return [float(end - start) * step_s for start, end in edges.reshape(-1, 2)]
