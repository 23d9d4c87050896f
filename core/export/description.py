"""What an exported file says about itself, so that nobody needs this project to use it."""

import json
from importlib.metadata import PackageNotFoundError, version

from core.checkpoints import LoadedLifter, skeleton_digest
from core.skeleton import BODY, KEYPOINT_NAMES

DESCRIPTION_KEY = "poselift"
"""Under this key in an ONNX file's metadata; in TorchScript an extra file of this name."""
DESCRIPTION_VERSION = 1

_MEANING = {
    "rays": "(pixel - image centre) / focal length in pixels; NaN or anything where unknown",
    "confidence": "in [0, 1]; 0 = unknown keypoint",
    "time_s": "seconds since the window's first frame",
    "hint_m": "MediaPipe's world landmarks, metres, hip-centred; NaN = unknown",
    "joints_m": "metres, relative to the pelvis, in the camera's frame",
    "sigma_m": "metres; reads like a standard deviation per axis",
}


def describe(loaded: LoadedLifter, *, mirror_averaged: bool = False) -> str:
    """Name, config, SHA-256 of the weights, names of joints and keypoints, units and axes as JSON.

    Equal weights and versions give equal text.

    Args:
        loaded: which lifter.
        mirror_averaged: whether each answer is the mean over the window and its mirror image.
    """
    return json.dumps(
        {
            "version": DESCRIPTION_VERSION,
            "name": loaded.name,
            "sha256": loaded.sha256,
            "config": loaded.config.to_dict(),
            "mirror_averaged": mirror_averaged,
            "skeleton": skeleton_digest(),
            "keypoint_names": KEYPOINT_NAMES,
            "joint_names": BODY.names,
            "parents": BODY.parents,
            "units": "m",
            "axes": {"x": "right", "y": "down", "z": "away from the camera"},
            "origin": BODY.names[BODY.root],
            "meaning": _MEANING,
            "software": {name: _version(name) for name in ("poselift", "torch")},
        }
    )


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:  # run from a source tree that is not installed
        return None
