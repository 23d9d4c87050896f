"""A scout and followers, who together are a keypoint estimator for one video.

A pose landmarker offers two ways, neither of which does. Tracking a single person is fast and
steady, but it picks that person itself and may end up on a passer-by. Looking for several runs the
person detector on every frame, overlooks people whose face is small or hidden, and is half as fast.
So a *scout* looks for everybody while it is not clear whom to follow or somebody was lost, and a
*follower* each tracks one of them.
"""

from collections.abc import Callable, Sequence

from core.closing import Closing
from core.keypoints.attention import Attention
from core.keypoints.casting import Casting
from core.keypoints.follower import Follower
from core.keypoints.looks import Looks
from core.keypoints.protocol import Detection, ReadsVideo
from core.keypoints.repeats import without_repeats
from core.tracking.sightings import Sighting, measure
from core.video.frames import Frame

_TRY_EVERY_FRAMES = 4  # a try costs as much as following somebody
# How soon a newcomer is noticed while there is room for one more, or they could still take over.
_LOOK_ROUND_S = 0.2
_LOOK_AGAIN_S = 0.1  # the same while there are others who could
_CLOCK_JITTER_S = 1e-3


class ScoutingEstimator(Closing):
    """Finds up to ``max_persons`` people in the frames of one video, and follows them.

    ``confidence`` is visibility times presence: how likely the keypoint is in the picture, and not
    hidden behind anything. Frames in which the scout looks may hold more people than asked for.

    Args:
        scout: a scouting landmarker; the estimator does not close it.
        make_tracker: makes a tracking landmarker; closed with the estimator.
        max_persons: how many people to follow.
        on_close: called once at the end, before trackers are closed.
    """

    def __init__(
        self,
        scout: ReadsVideo,
        make_tracker: Callable[[], ReadsVideo],
        max_persons: int,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self._scout = scout
        self._make_tracker = make_tracker
        self._on_close = on_close
        self._followers: list[Follower] = []
        self._casting = Casting(max_persons)
        self._looks = Looks()
        self._frames = 0
        self._next_try: dict[int, int] = {}
        self._looked_s = float("-inf")
        self._now_s = 0.0

    def estimate(self, frame: Frame) -> Sequence[Detection]:
        """People in this frame; those who are followed come first."""
        followed = [(f, d) for f in self._followers if (d := self._follow(f, frame)) is not None]
        scouted: Sequence[Detection] = ()
        looks = self._should_look(frame.time_s)
        if looks:
            self._looked_s = frame.time_s
            scouted = self._look_round(frame)
        detections = without_repeats([detection for _, detection in followed], scouted)
        height, width = frame.rgb.shape[:2]
        people = self._casting.watch(
            frame.index, frame.time_s, detections, (width, height), is_everybody=looks
        )
        self._now_s = frame.time_s
        self._release_strayed(followed, people)
        self._learn_looks(frame, people)
        self._follow_cast(frame, people, scouted)
        return detections

    def attention(self) -> Attention:
        """Whom it follows now."""
        followed = sorted(self._followed)
        return Attention(
            [self._casting.last_sighting(number) for number in followed],
            self._casting.cast == set(followed) and self._casting.is_settled(self._now_s),
        )

    def settle(self) -> None:
        """Stop wondering whether somebody else matters more than those it follows."""
        self._casting.settle()

    def close(self) -> None:
        self._on_close()
        self._on_close = lambda: None
        for follower in self._followers:
            follower.close()
        self._followers.clear()

    def _follow(self, follower: Follower, frame: Frame) -> Detection | None:
        number = follower.tracklet
        detection = follower.follow(frame)
        if number is None or detection is None:
            return None
        sighting = measure(detection)
        if sighting and self._looks.was_swapped(number, frame.rgb, sighting, frame.time_s):
            follower.release()
            return None
        return detection

    def _look_round(self, frame: Frame) -> list[Detection]:
        """Whoever the scout sees, but for those who hide somebody from sight.

        Reported, they would be taken for the person they hide.
        """
        hidden = self._casting.cast - {follower.tracklet for follower in self._followers}
        return [
            detection
            for detection in self._scout.read(frame.rgb, frame.time_s)
            if (sighting := measure(detection)) is not None
            and not any(self._looks.is_stand_in(n, frame.rgb, sighting) for n in hidden)
        ]

    def _learn_looks(self, frame: Frame, people: dict[int, Sighting]) -> None:
        self._looks.forget_all_but(self._casting.cast)
        self._next_try = {n: at for n, at in self._next_try.items() if n in self._casting.cast}
        for follower in self._followers:
            seen = None if follower.tracklet is None else people.get(follower.tracklet)
            if follower.tracklet is not None and seen is not None:
                self._looks.learn(follower.tracklet, frame.rgb, seen, frame.time_s)

    @property
    def _followed(self) -> set[int]:
        return {f.tracklet for f in self._followers if f.tracklet is not None}

    def _should_look(self, time_s: float) -> bool:
        """Whether this frame is worth running the person detector on."""
        cast = self._casting.cast
        if not cast or cast != self._followed:
            return True
        is_settled = self._casting.is_settled(time_s)
        if is_settled and self._casting.is_full:
            return False
        hurries = not is_settled and self._casting.has_rivals(time_s)
        every_s = _LOOK_AGAIN_S if hurries else _LOOK_ROUND_S
        return time_s - self._looked_s + _CLOCK_JITTER_S >= every_s

    def _release_strayed(
        self, followed: Sequence[tuple[Follower, Detection]], people: dict[int, Sighting]
    ) -> None:
        """Stop following where the landmarker has jumped to somebody else, or nobody cares."""
        for follower, detection in followed:
            seen = None if follower.tracklet is None else people.get(follower.tracklet)
            if (
                seen is None
                or follower.tracklet not in self._casting.cast
                or not _shows(seen, detection)
            ):
                follower.release()

    def _follow_cast(
        self, frame: Frame, people: dict[int, Sighting], scouted: Sequence[Detection]
    ) -> None:
        """Put idle followers onto those who should be followed, where they are or were last.

        Somebody who was hidden is found again sooner that way than by the scout alone.
        """
        self._frames += 1
        taken = {follower.tracklet for follower in self._followers}
        for number in sorted(self._casting.cast - taken, key=lambda n: (n not in people, n)):
            if self._frames < self._next_try.get(number, 0):
                continue
            self._next_try[number] = self._frames + _TRY_EVERY_FRAMES
            follower = self._idle_follower()
            shown = None
            if number in people:
                shown = next((one for one in scouted if _shows(people[number], one)), None)
            found = follower.start(frame, number, self._casting.last_sighting(number), shown)
            if found is not None and self._looks.is_stand_in(number, frame.rgb, found):
                follower.release()

    def _idle_follower(self) -> Follower:
        idle = [follower for follower in self._followers if follower.tracklet is None]
        if not idle:
            self._followers.append(Follower(self._make_tracker()))
            idle = self._followers[-1:]
        return idle[0]


def _shows(sighting: Sighting, detection: Detection) -> bool:
    """Whether the sighting is this very detection, measured."""
    measured = measure(detection)
    return measured is not None and bool((measured.centre_px == sighting.centre_px).all())
