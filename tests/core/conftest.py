"""The demo clip, decoded."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from core.video.stream import Frame, probe, stream_frames

DEMO_FRAMES = 170


@pytest.fixture(scope="session")
def demo_frames(demo_clip: Path) -> list[Frame]:
    """The first seconds of the demo clip at half size, which is all that the networks see.

    A man stands and gestures on a small building around x = 320 px; from frame 60 a woman walks
    below him from right to left.
    """

    def halved() -> Iterator[Frame]:
        for frame in islice(stream_frames(demo_clip, probe(demo_clip)), DEMO_FRAMES):
            yield Frame(frame.index, frame.time_s, np.ascontiguousarray(frame.rgb[::2, ::2]))

    return list(halved())
