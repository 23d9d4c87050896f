"""Follows one person with a tracking landmarker, and notices when it no longer does.

A tracking landmarker chooses by itself whom it tracks: the best detection of the first picture. To
put it onto a given person, that picture is blacked out around them.
"""

import numpy as np
from jaxtyping import UInt8

from core.keypoints.protocol import Detection, ReadsVideo, TakesOver
from core.tracking.sightings import Sighting, compare, measure
from core.video.frames import Frame

_MARGIN = 0.75  # half the blacked-out window's side, in sides of the person's box
_SAME_PERSON = 0.7  # body sizes between where they are and where the landmarker says so
# Below this the landmarker dreams on where somebody has left; a face alone has more.
_LOST_BELOW = 0.15


class Follower:
    """Holds one tracking landmarker.

    Attributes:
        tracklet: number of the person who is followed; None while idle.
    """

    def __init__(self, landmarker: ReadsVideo) -> None:
        self._landmarker = landmarker
        self._fresh = True
        self.tracklet: int | None = None

    def follow(self, frame: Frame) -> Detection | None:
        """Where the followed person is now; None, and idle again, if they are lost."""
        if self.tracklet is None:
            return None
        detection = next(iter(self._landmarker.read(frame.rgb, frame.time_s)), None)
        if detection is None or _is_lost(detection, frame):
            self.release()
            return None
        return detection

    def start(
        self, frame: Frame, tracklet: int, target: Sighting, shown: Detection | None = None
    ) -> Sighting | None:
        """Try to follow the person seen at ``target``.

        Args:
            frame: to look for them in.
            tracklet: their number.
            target: where they are in this frame, or were last.
            shown: what another landmarker has seen of them in this frame.

        Returns:
            Who is followed from now on; None if the detector overlooks them, which may be otherwise
            in one of the next frames.
        """
        if (
            shown is not None
            and isinstance(self._landmarker, TakesOver)
            and self._landmarker.take_over(shown, frame.time_s)
        ):
            self._fresh, self.tracklet = False, tracklet
            return target
        if not self._fresh and not self._landmarker.forget():
            return None
        self._fresh = False
        window = _spotlight(frame.rgb, target)
        for detection in self._landmarker.read(window, frame.time_s):
            found = measure(detection)
            apart = None if found is None else compare(target, found)
            if apart is not None and apart.distance < _SAME_PERSON:
                self.tracklet = tracklet
                return found
        return None

    def release(self) -> None:
        """Stop following."""
        self.tracklet = None

    def close(self) -> None:
        self._landmarker.close()


def _is_lost(detection: Detection, frame: Frame) -> bool:
    sighting = measure(detection)
    if sighting is None or sighting.body_confidence < _LOST_BELOW:
        return True
    height, width = frame.rgb.shape[:2]
    beyond_px = np.maximum(-sighting.centre_px, sighting.centre_px - (width, height))
    return bool(beyond_px.max() > sighting.size_px)


def _spotlight(
    rgb: UInt8[np.ndarray, "height width 3"], target: Sighting
) -> UInt8[np.ndarray, "height width 3"]:
    """The picture, black but for a square around the person.

    Besides hiding other people this helps the detector a lot: on the demo clip it finds the person
    in half of the frames instead of one in fifteen.
    """
    known = np.isfinite(target.keypoints_px).all(1)
    low, high = target.keypoints_px[known].min(0), target.keypoints_px[known].max(0)
    half_px = _MARGIN * float((high - low).max())
    centre = (low + high) / 2
    height, width = rgb.shape[:2]
    left, top = map(int, np.clip(centre - half_px, 0, (width, height)))
    right, bottom = map(int, np.clip(centre + half_px, 0, (width, height)))
    lit = np.zeros_like(rgb)
    lit[top:bottom, left:right] = rgb[top:bottom, left:right]
    return lit
