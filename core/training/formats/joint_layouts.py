"""The joints of each dataset, and which of our 28 and of our 33 keypoints they are.

Only joints that mean about the same spot are mapped: they are what a lifter is scored on. "About"
is not "exactly": ``gaps`` says where the definitions differ, and a score carries those gaps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from core.keypoints.layouts import LAYOUTS
from core.skeleton import BODY


@dataclass(frozen=True)
class JointLayout:
    """A dataset's order of joints, in 3D and in its 2D.

    Attributes:
        name: of the layout.
        joints: how many there are.
        body: for those of our 28 joints that it has, where it has them.
        keypoints: the same for our 33 keypoints.
        gaps: differences of definition, in words, by joint.
    """

    name: str
    joints: int
    body: Mapping[str, int]
    keypoints: Mapping[str, int]
    gaps: Mapping[str, str]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Our names of the joints that both have, in our order."""
        return tuple(name for name in BODY.names if name in self.body)

    @cached_property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """Bones of ours of which both ends are among :attr:`names`: (child, parent) positions."""
        ends = [(BODY.names[child], BODY.names[parent]) for child, parent in BODY.bones.tolist()]
        return tuple(
            (self.names.index(child), self.names.index(parent))
            for child, parent in ends
            if child in self.body and parent in self.body
        )


_LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
_HIPS = (
    "our training motion has hips 17 cm apart, where MediaPipe's points lie; here they are 25 to "
    "28 cm apart, so that even a perfect lift is about 5 cm off at each hip"
)
_HIP_GAPS = {"left_hip": _HIPS, "right_hip": _HIPS}
_THORAX_GAP = {"neck": "their thorax lies a little below the lower end of our neck"}


def _limbs(right: tuple[int, ...], left: tuple[int, ...]) -> dict[str, int]:
    return {
        f"{side}_{part}": place
        for side, places in (("right", right), ("left", left))
        for part, place in zip(_LIMBS, places, strict=True)
    }


_OURS = {name: place for place, name in enumerate(BODY.names)}
_OUR_KEYPOINTS = {
    **{name: place for name, place in _OURS.items() if name.partition("_")[2] in _LIMBS},
    "left_foot_index": _OURS["left_toe"],
    "right_foot_index": _OURS["right_toe"],
}

CMU28 = JointLayout("cmu28", len(BODY), _OURS, _OUR_KEYPOINTS, {})
"""Our own skeleton, as in the motion that the lifter learns from."""

MPI_INF28 = JointLayout("mpi_inf28", len(BODY), _OURS, _OUR_KEYPOINTS, _HIP_GAPS)
"""All 28 joints of MPI-INF-3DHP, which are ours by name and order.

Source: Mehta et al., "Monocular 3D Human Pose Estimation In The Wild Using Improved CNN
Supervision", 3DV 2017.
"""

_TEST17 = _limbs(right=(2, 3, 4, 8, 9, 10), left=(5, 6, 7, 11, 12, 13))

MPI_INF17 = JointLayout(
    "mpi_inf17",
    17,
    {**_TEST17, "head_top": 0, "neck": 1, "pelvis": 14, "spine": 15, "head": 16},
    _TEST17,
    _HIP_GAPS,
)
"""The 17 joints of the MPI-INF-3DHP test set: head top, neck, right arm, left arm, right leg, left
leg, pelvis, spine, head: of the 28, those that the authors call relevant."""

H36M17 = JointLayout(
    "h36m17",
    17,
    {
        "pelvis": 0,
        **_limbs(right=(14, 15, 16, 1, 2, 3), left=(11, 12, 13, 4, 5, 6)),
        "neck": 8,
        "head_top": 10,
    },
    LAYOUTS["h36m17"].places,
    {**_HIP_GAPS, **_THORAX_GAP},
)
"""Human3.6M's 17 joints in VideoPose3D's order. Spine and nose are not among ours."""

_EVA15 = _limbs(right=(5, 6, 7, 11, 12, 13), left=(2, 3, 4, 8, 9, 10))

HUMANEVA15 = JointLayout(
    "humaneva15", 15, {"pelvis": 0, "neck": 1, **_EVA15}, _EVA15, {**_HIP_GAPS, **_THORAX_GAP}
)
"""HumanEva's 15 joints in VideoPose3D's order: pelvis, thorax, left arm, right arm, left leg,
right leg, head. What the head point marks is not documented, so it is left out.

Source: Sigal et al., "HumanEva", IJCV 2010; order of Pavllo et al., CVPR 2019.
"""
