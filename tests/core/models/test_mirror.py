"""Left and right are treated alike."""

import gc
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, current_thread

import pytest
import torch

from core.models.mirror import MirrorAveraged
from core.skeleton import BODY, KEYPOINT_MIRROR
from tests.core.models.inputs import HINTED, make_hint, make_inputs, make_lifter

FLIP = torch.tensor([-1.0, 1.0, 1.0])


def test_mirrored_input_gives_the_mirrored_pose():
    lifter = MirrorAveraged(make_lifter(HINTED)).eval()
    inputs = make_inputs(3, 9)
    hint_m = make_hint(3, 9)
    hint_m[1] = torch.nan
    pose = lifter(*inputs, hint_m)
    mirrored = lifter(
        inputs.rays[:, :, KEYPOINT_MIRROR] * FLIP[:2],
        inputs.confidence[:, :, KEYPOINT_MIRROR],
        inputs.time_s,
        hint_m[:, :, KEYPOINT_MIRROR] * FLIP,
    )
    expected = pose.joints_m[:, :, BODY.mirror] * FLIP
    torch.testing.assert_close(mirrored.joints_m, expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(mirrored.sigma_m, pose.sigma_m[:, :, BODY.mirror], atol=1e-6, rtol=0)


def test_without_it_a_lifter_has_a_better_side():
    inputs = make_inputs(1, 3)
    lifter = make_lifter()
    pose = MirrorAveraged(lifter)(*inputs)
    assert (pose.joints_m - lifter(*inputs).joints_m).abs().amax() > 1e-3


@pytest.fixture
def beside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as beside:
        yield beside


def test_both_sides_at_once_say_the_same(beside):
    lifter, inputs = make_lifter(HINTED).eval(), make_inputs(3, 9)
    threads = set()
    lifter.register_forward_pre_hook(lambda *_: threads.add(current_thread()))
    with torch.inference_mode():
        alone = MirrorAveraged(lifter)(*inputs, make_hint(3, 9))
        assert len(threads) == 1
        both = MirrorAveraged(lifter, beside)(*inputs, make_hint(3, 9))
    assert len(threads) == 2
    assert torch.equal(alone.joints_m, both.joints_m)
    assert torch.equal(alone.sigma_m, both.sigma_m)


class OneSideFails(torch.nn.Module):
    """Runs out of memory in one of two threads, while the other one is still at work."""

    def __init__(self, *, in_ours: bool) -> None:
        super().__init__()
        self.ours, self.in_ours = current_thread(), in_ours
        self.failed, self.ended = Event(), Event()
        self.left: weakref.ref | None = None

    def forward(self, rays: torch.Tensor, *_: object) -> torch.Tensor:
        if (current_thread() is self.ours) == self.in_ours:
            large = torch.zeros_like(rays)
            self.left = weakref.ref(large)
            self.failed.set()
            raise MemoryError("no room")
        assert self.failed.wait(5)
        self.ended.set()
        return rays


@pytest.mark.parametrize("in_ours", [True, False])
def test_when_one_side_fails_both_are_over_and_nothing_is_kept(beside, in_ours):
    lifter = OneSideFails(in_ours=in_ours)
    averaged = MirrorAveraged(lifter, beside)
    gc.disable()
    try:
        with pytest.raises(MemoryError, match="no room"):
            averaged(*make_inputs(3, 9))
        assert lifter.left is not None
        assert lifter.left() is None
    finally:
        gc.enable()
    assert lifter.ended.is_set()
