"""Cuts a video into stretches that begin and end with a key frame.

People are searched for in key frames only; between two, each person's crop is interpolated. So a
frame can be read as soon as the next key frame is known, together with all others of its stretch.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.video.frames import Frame

_KEY_EVERY_FRAMES = 5
_KEY_EVERY_S = 0.17  # people do not move evenly for longer than that
_MOST_FRAMES = 64
_MOST_BYTES = 192 << 20
_CLOCK_JITTER_S = 1e-3


@dataclass(frozen=True)
class Stretch:
    """A contiguous run of used frames.

    Attributes:
        frames: the last one is the first of the next stretch.
        keys: positions of the key frames; the first and the last frame are among them.
        is_last: no other follows, and the last frame is nobody else's.
    """

    frames: tuple[Frame, ...]
    keys: tuple[int, ...]
    is_last: bool


def stretches(
    frames: Iterable[Frame], *, most_frames: int = _MOST_FRAMES, most_bytes: int = _MOST_BYTES
) -> Iterator[Stretch]:
    """Cut a video; which frames are key frames does not depend on the limits.

    Args:
        frames: in order of time.
        most_frames: how long a stretch may be, at least two key frames apart.
        most_bytes: how much memory its pictures may take, likewise.
    """
    held: list[Frame] = []
    keys: list[int] = []
    for frame in frames:
        held.append(frame)
        if keys and not _is_due(held, keys[-1]):
            continue
        keys.append(len(held) - 1)
        limit = min(most_frames, most_bytes // frame.rgb.nbytes) - _KEY_EVERY_FRAMES
        if len(keys) > 1 and len(held) > limit:
            yield Stretch(tuple(held), tuple(keys), is_last=False)
            held, keys = [frame], [0]
    if not held:
        return
    if keys[-1] != len(held) - 1:
        keys.append(len(held) - 1)
    yield Stretch(tuple(held), tuple(keys), is_last=True)


def _is_due(held: list[Frame], last_key: int) -> bool:
    """Whether the newest frame has to be a key frame."""
    since_s = held[-1].time_s - held[last_key].time_s
    between = len(held) - 1 - last_key
    return between >= _KEY_EVERY_FRAMES or since_s > _KEY_EVERY_S - _CLOCK_JITTER_S
