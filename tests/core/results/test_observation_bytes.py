import numpy as np
import pytest

from core.errors import ResultInvalid
from core.keypoints.protocol import Detection
from core.results.npz import pack_arrays
from core.results.observation_bytes import bytes_to_observations, observations_to_bytes
from core.tracking.association import Observation


def somebody(seed: int, *, hint: bool) -> Detection:
    rng = np.random.default_rng(seed)
    return Detection(
        rng.normal(size=(33, 2)).astype(np.float32),
        rng.random(33).astype(np.float32),
        rng.normal(size=(33, 3)).astype(np.float32) if hint else None,
    )


@pytest.mark.parametrize("crowds", [[], [0], [0, 0], [1], [2, 0, 3], [0, 1, 0]])
def test_every_bit_survives(crowds):
    seen = [
        Observation(7 * n, 1 / 3 + n, [somebody(10 * n + k, hint=k != 1) for k in range(count)])
        for n, count in enumerate(crowds)
    ]
    read = list(bytes_to_observations(observations_to_bytes(seen)))
    assert len(read) == len(seen)
    for one, other in zip(read, seen, strict=True):
        assert (one.frame_index, one.time_s) == (other.frame_index, other.time_s)
        assert len(one.detections) == len(other.detections)
        for person, same in zip(one.detections, other.detections, strict=True):
            assert person.keypoints_px.tobytes() == same.keypoints_px.tobytes()
            assert person.confidence.tobytes() == same.confidence.tobytes()
            assert (person.hint_m is None) == (same.hint_m is None)
            assert same.hint_m is None or person.hint_m.tobytes() == same.hint_m.tobytes()


@pytest.mark.parametrize("content", [b"", b"nonsense", pack_arrays({"x": np.zeros(3)})])
def test_other_bytes_are_refused(content):
    with pytest.raises(ResultInvalid):
        list(bytes_to_observations(content))


def test_people_who_are_missing_are_noticed():
    content = pack_arrays(
        {
            "frame_index": np.zeros(1, np.int64),
            "time_s": np.zeros(1),
            "people": np.ones(1, np.int64),
            "keypoints_px": np.zeros((0, 33, 2), np.float32),
            "confidence": np.zeros((0, 33), np.float32),
            "hint_m": np.zeros((0, 33, 3), np.float32),
            "has_hint": np.zeros(0, np.bool_),
        }
    )
    with pytest.raises(ResultInvalid, match="missing"):
        list(bytes_to_observations(content))
