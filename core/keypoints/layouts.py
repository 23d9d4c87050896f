"""2D keypoints in other people's layouts, mapped onto our 33.

A layout is a list of joints in a fixed order. Where it has a joint that means the same spot as one
of ours, we take it; our other keypoints are missing: NaN with confidence 0. Nothing is guessed,
because the lifter knows how to do without, and cannot know about a guess.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from jaxtyping import Float32

from core.errors import KeypointsInvalid, OptionError
from core.skeleton import KEYPOINT_NAMES


@dataclass(frozen=True)
class Layout:
    """A named order of 2D joints.

    Attributes:
        joints: how many there are.
        places: where each of our keypoints is found, for those that the layout has.
    """

    name: str
    joints: int
    places: Mapping[str, int]


_MEDIAPIPE33 = Layout(
    "mediapipe33", len(KEYPOINT_NAMES), {name: place for place, name in enumerate(KEYPOINT_NAMES)}
)
"""MediaPipe's own 33 landmarks, in their order.

Source: Bazarevsky et al., "BlazePose: On-device Real-time Body Pose tracking", 2020.
"""

_COCO17 = Layout(
    "coco17",
    17,
    {
        "nose": 0,
        "left_eye": 1, "right_eye": 2,
        "left_ear": 3, "right_ear": 4,
        "left_shoulder": 5, "right_shoulder": 6,
        "left_elbow": 7, "right_elbow": 8,
        "left_wrist": 9, "right_wrist": 10,
        "left_hip": 11, "right_hip": 12,
        "left_knee": 13, "right_knee": 14,
        "left_ankle": 15, "right_ankle": 16,
    },
)  # fmt: skip
"""COCO's person keypoints. No hands, no feet, no mouth. Both datasets put hips by eye on the
surface; COCO annotators set them a little higher and wider apart than MediaPipe's.

Source: Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014.
"""

_H36M17 = Layout(
    "h36m17",
    17,
    {
        "right_hip": 1, "right_knee": 2, "right_ankle": 3,
        "left_hip": 4, "left_knee": 5, "left_ankle": 6,
        "nose": 9,
        "left_shoulder": 11, "left_elbow": 12, "left_wrist": 13,
        "right_shoulder": 14, "right_elbow": 15, "right_wrist": 16,
    },
)  # fmt: skip
"""Human3.6M's 17 joints in VideoPose3D's order: Hip, RHip, RKnee, RFoot, LHip, LKnee, LFoot, Spine,
Thorax, Neck/Nose, Head, LShoulder, LElbow, LWrist, RShoulder, RElbow, RWrist.

Mid-hip, spine, thorax and the top of the head have no counterpart among ours and are left out.
"Foot" is the ankle. Joints come from markers on a skeleton inside the body: hips and shoulders lie
deeper and the hips closer together (about 27 cm) than what is seen on the surface. Joint 9, which
other sources call neck, is in front of the face, at the nose.

Source: Ionescu et al., "Human3.6M", TPAMI 2014; order of Pavllo et al., "3D human pose estimation
in video with temporal convolutions", CVPR 2019.
"""

_HALPE26 = Layout(
    "halpe26",
    26,
    {
        **_COCO17.places,
        "left_foot_index": 20, "right_foot_index": 21,
        "left_heel": 24, "right_heel": 25,
    },
)  # fmt: skip
"""Halpe's 26 body keypoints: COCO's 17, then head, neck, hip, and big toes, small toes and heels.

The big toe stands for MediaPipe's foot index, which is the tip of the foot, a few millimetres to
the side. Head (top), neck, mid-hip and the small toes have no counterpart and are left out.

Source: Fang et al., "AlphaPose", TPAMI 2022 (the Halpe-FullBody dataset).
"""

LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout for layout in (_COCO17, _H36M17, _HALPE26, _MEDIAPIPE33)
}


def find_layout(name: str) -> Layout:
    """A layout by its name.

    Raises:
        OptionError: there is no such layout; names the nearest one.
    """
    layout = LAYOUTS.get(name)
    if layout is None:
        near = get_close_matches(name.lower(), LAYOUTS, n=1)
        hint = f"Did you mean '{near[0]}'?" if near else f"Layouts are: {', '.join(LAYOUTS)}."
        raise OptionError(f"There is no keypoint layout '{name[:80]}'. {hint}")
    return layout


def to_keypoints(
    joints_px: Float32[np.ndarray, "frames joints 2"],
    confidence: Float32[np.ndarray, "frames joints"],
    layout: str,
) -> tuple[Float32[np.ndarray, "frames 33 2"], Float32[np.ndarray, "frames 33"]]:
    """Put 2D joints of another layout into the places of our 33 keypoints.

    Args:
        joints_px: pixels of the upright frame; NaN where a joint was not found.
        confidence: in [0, 1].
        layout: a name in :data:`LAYOUTS`.

    Returns:
        Keypoints and their confidence. What the layout lacks, what is NaN and what has no
        confidence is missing: NaN, with confidence 0.

    Raises:
        OptionError: there is no such layout.
        KeypointsInvalid: the layout has another number of joints.
    """
    chosen = find_layout(layout)
    if joints_px.shape[1] != chosen.joints:
        raise KeypointsInvalid(
            f"The layout '{chosen.name}' has {chosen.joints} joints, but the keypoints have "
            f"{joints_px.shape[1]}.{_fitting(joints_px.shape[1])}"
        )
    frames = len(joints_px)
    keypoints_px = np.full((frames, len(KEYPOINT_NAMES), 2), np.nan, np.float32)
    mapped_confidence = np.zeros((frames, len(KEYPOINT_NAMES)), np.float32)
    ours = [KEYPOINT_NAMES.index(name) for name in chosen.places]
    theirs = list(chosen.places.values())
    keypoints_px[:, ours] = joints_px[:, theirs]
    mapped_confidence[:, ours] = confidence[:, theirs]
    missing = ~np.isfinite(keypoints_px).all(-1) | ~(mapped_confidence > 0)
    keypoints_px[missing] = np.nan
    mapped_confidence[missing] = 0
    return keypoints_px, mapped_confidence


def _fitting(joints: int) -> str:
    names = [name for name, layout in LAYOUTS.items() if layout.joints == joints]
    return f" Is it {' or '.join(names)}?" if names else ""
