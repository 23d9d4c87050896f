import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.lifting.windows import Window, WindowPlan, blend


@st.composite
def plans(draw) -> WindowPlan:
    size = draw(st.integers(1, 40))
    return WindowPlan(size, draw(st.integers(0, size - 1)))


def all_windows(plan: WindowPlan, arrivals: list[int]) -> list[Window]:
    """Windows as they come when the number of known frames grows step by step."""
    found: list[Window] = []
    for frames in arrivals:
        found += plan.ready(frames, ended=False, last=found[-1] if found else None)
    return found + list(plan.ready(arrivals[-1], ended=True, last=found[-1] if found else None))


def blended(windows: list[Window], frames: int, lifted) -> np.ndarray:
    first = lifted(0, windows[0])
    running = np.full((frames, *first.shape[1:]), np.nan, np.float32)
    for number, window in enumerate(windows):
        blend(running[window.start : window.stop], lifted(number, window), window)
    return running


@given(plans(), st.integers(1, 200))
def test_split_then_blend_changes_no_bit(plan, frames):
    truth = np.random.default_rng(frames).normal(size=(frames, 3)).astype(np.float32)
    windows = all_windows(plan, [frames])
    np.testing.assert_array_equal(
        blended(windows, frames, lambda _, w: truth[w.start : w.stop]), truth
    )


@given(plans(), st.integers(1, 120))
def test_weights_are_a_partition_of_unity(plan, frames):
    windows = all_windows(plan, [frames])

    def one_hot(number: int, window: Window) -> np.ndarray:
        values = np.zeros((window.stop - window.start, len(windows)), np.float32)
        values[:, number] = 1
        return values

    weights = blended(windows, frames, one_hot)
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)


@given(plans(), st.lists(st.integers(0, 50), min_size=1, max_size=10))
def test_windows_do_not_depend_on_how_frames_arrive(plan, steps):
    arrivals = np.cumsum(steps).tolist()
    assert all_windows(plan, arrivals) == all_windows(plan, arrivals[-1:])


@given(plans(), st.integers(1, 200))
def test_every_window_is_full_unless_the_clip_is_shorter(plan, frames):
    windows = all_windows(plan, [frames])
    assert {w.stop - w.start for w in windows} == {min(plan.size, frames)}
    assert windows[0].start == 0
    assert windows[-1].stop == frames
    assert len(windows) <= 1 + np.ceil(max(0, frames - plan.size) / (plan.size - plan.overlap))


@given(plans(), st.integers(1, 200))
def test_settled_frames_are_never_touched_again(plan, frames):
    windows = all_windows(plan, [frames])
    running = np.full((frames, 1), np.nan, np.float32)
    for number, window in enumerate(windows):
        before = running.copy()
        lifted = np.full((window.stop - window.start, 1), number, np.float32)
        blend(running[window.start : window.stop], lifted, window)
        if number:
            settled = plan.settled(windows[number - 1])
            np.testing.assert_array_equal(running[:settled], before[:settled])
    assert np.isfinite(running).all()


def test_no_seam_where_neighbouring_windows_disagree():
    plan = WindowPlan(81, 27)
    windows = all_windows(plan, [300])
    offsets = np.random.default_rng(0).normal(size=len(windows))
    offsets /= np.abs(np.diff(offsets)).max()  # neighbours differ by one at most
    values = blended(
        windows, 300, lambda n, w: np.full((w.stop - w.start, 1), offsets[n], np.float32)
    )
    # A raised cosine over 27 frames is never steeper than pi / 2 / 28 a frame; a seam would be 1.
    assert np.abs(np.diff(values[:, 0])).max() < 0.06


def test_nan_says_nothing():
    window = Window(0, 4, 0, 2)
    running = np.array([np.nan, 1, 1, np.nan], np.float32)[:, None]
    blend(running, np.array([5, np.nan, np.nan, 6], np.float32)[:, None], window)
    np.testing.assert_array_equal(running[:, 0], [5, 1, 1, 6])


def test_no_frames_no_windows():
    assert list(WindowPlan().ready(0, ended=True, last=None)) == []


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (5, 5), (5, -1)])
def test_impossible_plans_are_refused(size, overlap):
    with pytest.raises(ValueError, match="window plan"):
        WindowPlan(size, overlap)
