"""Has an estimator look at a stored picture, and tells what it saw in pixels of the full size."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from core.keypoints.protocol import KeypointEstimator
from core.tracking.association import Observation
from core.video.frames import VideoFacts
from core.video.upright import StoredPicture, UprightRgb


class PictureReader:
    """For one thread, and for as many estimators as work in it.

    Args:
        facts: of the video.
        longest_side_px: what estimators see is no larger than this.
        on_picture: called with every picture, before it is looked at.
    """

    def __init__(
        self,
        facts: VideoFacts,
        longest_side_px: int | None,
        on_picture: Callable[[], None] = lambda: None,
    ) -> None:
        self._upright = UprightRgb(facts, longest_side_px)
        self._full_size = np.array([facts.width_px, facts.height_px], np.float32)
        self._on_picture = on_picture

    def __call__(self, estimator: KeypointEstimator, picture: StoredPicture) -> Observation:
        self._on_picture()
        frame = self._upright.frame(picture)
        people = estimator.estimate(frame)
        scale = self._full_size / np.array(frame.rgb.shape[1::-1], np.float32)
        if (scale != 1).any():
            people = [
                replace(person, keypoints_px=person.keypoints_px * scale, alignment_px=None)
                for person in people
            ]
        return Observation(frame.index, frame.time_s, people)
