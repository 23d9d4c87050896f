"""What is compared: a stretch of one clip, as predicted and as it was."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, eq=False)
class ClipPoses:
    """A stretch of one clip, as predicted and as it was.

    Attributes:
        clip: whose clip it is; stretches of one clip are one sample of the bootstrap.
        action: what it is counted under.
        predicted_m: metres, relative to the root, camera axes; NaN where there is no prediction.
        truth_m: the same joints, never NaN.
        time_s: of the frames, rising; None if they do not follow each other, and so have no motion.
        sigma_m: the scale of doubt per joint; None if the method has none.
        seen: the 33 keypoints it was lifted from, x right, y down, in any unit, NaN where unknown;
            for pictures only.
        circumstances: what could be seen of each joint, in the order of
            :data:`core.models.circumstances.CIRCUMSTANCES`; None where nobody asked.
    """

    clip: str
    action: str
    predicted_m: Float[np.ndarray, "frames joints 3"]
    truth_m: Float[np.ndarray, "frames joints 3"]
    time_s: Float[np.ndarray, "frames"] | None
    sigma_m: Float[np.ndarray, "frames joints"] | None = None
    seen: Float[np.ndarray, "frames 33 2"] | None = None
    circumstances: Float[np.ndarray, "frames joints told"] | None = None


@dataclass(frozen=True)
class ScoredJoints:
    """Which joints are compared.

    Attributes:
        names: in the order of the arrays.
        bones: pairs of joints whose distance is rigid.
        root: the joint that is the origin, whose error says nothing about sigma.
    """

    names: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]
    root: int | None = None
