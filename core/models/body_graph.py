"""Who informs whom: the edges of the lifter's graphs, as plain arrays.

Two graphs. The body graph joins 28 joints by neighbours of four kinds. The input graph is
bipartite, from the 33 keypoints to the joints that each of them says something about.
"""

from functools import cache

import numpy as np
from jaxtyping import Int64

from core.skeleton import BODY, KEYPOINT_NAMES

KINDS = ("self", "inward", "outward", "mirror")
"""Neighbour kinds: the joint itself, its parent, its children, its left/right counterpart.

Source: Cai et al., "Exploiting Spatial-temporal Relationships for 3D Pose Estimation via Graph
Convolutional Networks", ICCV 2019.
"""


@cache
def body_edges() -> tuple[Int64[np.ndarray, "2 edges"], Int64[np.ndarray, "edges"]]:
    """Edges ``(source, target)`` of the body graph, and the kind of each as index in KINDS.

    The root has no inward neighbour, leaves no outward one, midline joints no mirror one.
    """
    child, parent = BODY.bones.T
    joints = np.arange(len(BODY))
    sided = joints[BODY.mirror != joints]
    groups = [
        (joints, joints),
        (parent, child),
        (child, parent),
        (BODY.mirror[sided], sided),
    ]
    edges = np.concatenate([np.stack(group) for group in groups], axis=1)
    kinds = np.repeat(np.arange(len(KINDS)), [len(group[0]) for group in groups])
    return edges.astype(np.int64), kinds.astype(np.int64)


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
