"""Who informs whom: the edges of the lifter's graphs, as plain arrays.

The body graph joins 28 joints by neighbours of four kinds, and gathers them into parts. The input
graph is bipartite, from the 33 keypoints to the joints that each of them says something about.
"""

from functools import cache

import numpy as np
from jaxtyping import Bool, Int64

from core.models.graph_form import BODY_NEIGHBOURS, Neighbour
from core.skeleton import BODY, KEYPOINT_NAMES


@cache
def body_edges(
    kinds: tuple[Neighbour, ...] = BODY_NEIGHBOURS,
) -> tuple[Int64[np.ndarray, "2 edges"], Int64[np.ndarray, "edges"]]:
    """Edges ``(source, target)`` within a frame, and the kind of each as index in ``kinds``.

    The root has no inward neighbour, leaves no outward one, midline joints no mirror one.

    Args:
        kinds: of neighbours within a frame.
    """
    child, parent = BODY.bones.T
    joints = np.arange(len(BODY))
    sided = joints[BODY.mirror != joints]
    of_kind = {
        Neighbour.SELF: (joints, joints),
        Neighbour.INWARD: (parent, child),
        Neighbour.OUTWARD: (child, parent),
        Neighbour.MIRROR: (BODY.mirror[sided], sided),
    }
    groups = [of_kind[kind] for kind in kinds]
    edges = np.concatenate([np.stack(group) for group in groups], axis=1)
    numbers = np.repeat(np.arange(len(kinds)), [len(group[0]) for group in groups])
    return edges.astype(np.int64), numbers.astype(np.int64)


_SPINE = ("spine3", "spine4", "spine2", "spine", "pelvis")
_ARM = ("clavicle", "shoulder", "elbow", "wrist", "hand")
_LEG = ("hip", "knee", "ankle", "foot", "toe")
PARTS: dict[str, tuple[str, ...]] = {
    "torso": _SPINE,
    "head": ("neck", "head", "head_top"),
    **{f"{side}_arm": tuple(f"{side}_{name}" for name in _ARM) for side in ("left", "right")},
    **{f"{side}_leg": tuple(f"{side}_{name}" for name in _LEG) for side in ("left", "right")},
}
"""Body parts and their joints: each joint is in one."""


@cache
def part_members() -> Bool[np.ndarray, "parts joints"]:
    """Which joints each of :data:`PARTS` holds."""
    return np.array([[name in names for name in BODY.names] for names in PARTS.values()])


_FACE = tuple(name for name in KEYPOINT_NAMES[:11])
_TRUNK = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")


def _sided(side: str) -> dict[str, tuple[str, ...]]:
    hand = (f"{side}_index", f"{side}_pinky", f"{side}_thumb")
    foot = (f"{side}_heel", f"{side}_foot_index")
    arm = (f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")
    leg = (f"{side}_hip", f"{side}_knee", f"{side}_ankle")
    return {
        f"{side}_clavicle": (*_TRUNK, f"{side}_elbow", "nose", "left_ear", "right_ear"),
        f"{side}_shoulder": (*_TRUNK, f"{side}_elbow", f"{side}_wrist"),
        f"{side}_elbow": (*arm, f"{side}_hip", *hand),
        f"{side}_wrist": (*arm, *hand),
        f"{side}_hand": (*arm, *hand),
        f"{side}_hip": (*_TRUNK, f"{side}_knee", f"{side}_ankle"),
        f"{side}_knee": (*leg, *foot),
        f"{side}_ankle": (*leg, *foot),
        f"{side}_foot": (*leg, *foot),
        f"{side}_toe": (*leg, *foot),
    }


_SOURCES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("spine", "spine2", "spine3", "spine4"), (*_TRUNK, "nose")),
    "pelvis": (*_TRUNK, "left_knee", "right_knee"),
    "neck": (*_TRUNK, "nose", "left_ear", "right_ear", "mouth_left", "mouth_right"),
    **dict.fromkeys(("head", "head_top"), (*_FACE, "left_shoulder", "right_shoulder")),
    **_sided("left"),
    **_sided("right"),
}


@cache
def keypoint_sources() -> Int64[np.ndarray, "joints slots"]:
    """For each joint the keypoints that inform it; -1 fills rows that need fewer."""
    slots = max(len(names) for names in _SOURCES.values())
    table = np.full((len(BODY), slots), -1, np.int64)
    for joint, name in enumerate(BODY.names):
        for slot, keypoint in enumerate(_SOURCES[name]):
            table[joint, slot] = KEYPOINT_NAMES.index(keypoint)
    return table
