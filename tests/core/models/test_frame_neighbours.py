"""The graph over time: gaps, window ends, uneven frames."""

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from core.models.frame_neighbours import AcrossTime, frame_neighbours
from core.models.graph_form import Neighbour

BOTH = (Neighbour.FORWARD, Neighbour.BACKWARD)
windows = st.integers(1, 7).flatmap(
    lambda frames: st.lists(st.lists(st.booleans(), min_size=frames, max_size=frames), min_size=1)
)


@given(windows)
def test_neighbours_are_the_nearest_present_frames_of_the_same_window(rows):
    present = torch.tensor(rows)
    seconds = torch.arange(present.numel()).view_as(present) / 10
    found = frame_neighbours(present, seconds)
    length = present.shape[1]
    for number in range(present.numel()):
        window, frame = divmod(number, length)
        seen = [t for t in range(length) if rows[window][t]]
        after = [t for t in seen if t > frame][:1] if frame in seen else []
        before = [t for t in seen if t < frame][-1:] if frame in seen else []
        for side, expected in enumerate((after, before)):
            assert found.known[side, number] == len(expected)
            if expected:
                assert found.source[side, number] == window * length + expected[0]
                gap_s = abs(expected[0] - frame) / 10
                assert abs(float(found.gap_s[side, number]) - gap_s) < 1e-5


def test_one_frame_has_no_neighbours():
    found = frame_neighbours(torch.ones(3, 1, dtype=torch.bool), torch.zeros(3, 1))
    assert not found.known.any()
    heard = AcrossTime(BOTH)(torch.randn(28, 3, 2), found)
    assert all((each == 0).all() for each in heard)


def test_what_is_heard_fades_with_seconds_and_not_with_frames():
    across = AcrossTime((Neighbour.BACKWARD,))
    with torch.no_grad():
        across.log_memory_s.fill_(math.log(0.5))
    features = torch.ones(28, 4, 1)
    present = torch.ones(1, 4, dtype=torch.bool)
    times_s = torch.tensor([[0.0, 0.01, 1.01, 1.26]])
    (heard,) = across(features, frame_neighbours(present, times_s))
    expected = torch.tensor([0.0, math.exp(-0.02), math.exp(-2), math.exp(-0.5)])
    torch.testing.assert_close(heard[0, :, 0], expected)


def test_forward_is_the_next_frame_and_backward_the_previous():
    features = torch.arange(3.0).view(1, 3, 1).expand(28, 3, 1)
    neighbours = frame_neighbours(torch.ones(1, 3, dtype=torch.bool), torch.zeros(1, 3))
    forward, backward = AcrossTime(BOTH)(features, neighbours)
    assert forward[0, :, 0].tolist() == [1, 2, 0]
    assert backward[0, :, 0].tolist() == [0, 0, 1]


def test_gradients_stay_finite_where_nobody_is_near():
    across = AcrossTime(BOTH)
    present = torch.tensor([[True, False, True], [False, False, False]])
    times_s = torch.tensor([[0.0, 0.0, 30.0], [0.0, 0.0, 0.0]])
    features = torch.randn(28, 6, 2, requires_grad=True)
    sum(across(features, frame_neighbours(present, times_s))).square().sum().backward()
    assert torch.isfinite(features.grad).all()
    assert torch.isfinite(across.log_memory_s.grad).all()
