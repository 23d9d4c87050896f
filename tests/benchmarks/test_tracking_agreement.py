"""What is counted as apart, and what as noise."""

import numpy as np

from benchmarks.tracking_agreement import Seen, _apart_px, _Noise


def seen(shift_px=0.0, confidence=1.0, frames=4, absent=()):
    keypoints_px = np.full((frames, 33, 2), 100.0, np.float32)
    keypoints_px[..., 0] += shift_px
    keypoints_px[list(absent)] = np.nan
    return Seen(keypoints_px, np.full((frames, 33), confidence, np.float32))


def test_only_frames_in_which_both_see_somebody_are_compared():
    apart = _apart_px(seen(3.0, absent=[0]), seen(absent=[3]))
    np.testing.assert_array_equal(apart, np.full(2 * 33, 3.0))
    assert seen(absent=[1]).is_there.tolist() == [True, False, True, True]


def test_only_keypoints_that_are_known_count():
    plain = seen()
    plain.confidence[:, 5:] = 0.1
    assert len(_apart_px(seen(1.0), plain)) == 4 * 5


def test_noise_is_a_grey_level_and_never_leaves_the_range():
    rgb = np.repeat(np.array([0, 7, 255], np.uint8), 300).reshape(30, 10, 3)
    noisy = _Noise(1)(rgb).astype(int)
    assert set(np.unique(noisy - rgb)) == {-1, 0, 1}
    assert (noisy.min(), noisy.max()) == (0, 255)
    np.testing.assert_array_equal(_Noise(1)(rgb), noisy)
    assert not np.array_equal(_Noise(2)(rgb), noisy)
