"""A lifter that treats left and right alike: it looks at every window twice."""

from collections.abc import Callable
from concurrent.futures import Executor, wait
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.models.lifter import LiftedPose
from core.skeleton import BODY, KEYPOINT_MIRROR


class MirrorAveraged(nn.Module):
    """Averages what a lifter says of a window and of its mirror image.

    The mean errs less than either, and mirrored input gives exactly the mirrored output. The two
    passes follow each other, so memory stays what it was, or are made side by side, at twice the
    memory. The result is the same.

    Args:
        lifter: a :class:`core.models.lifter.Lifter` or its like.
        beside: makes the second pass in another thread, for inference on a CPU.

    Shape:
        as the lifter's.
    """

    keypoint_mirror: Tensor
    joint_mirror: Tensor
    flip_x: Tensor

    def __init__(self, lifter: nn.Module, beside: Executor | None = None) -> None:
        super().__init__()
        self.lifter = lifter
        self._beside = beside
        keypoints, joints = torch.from_numpy(KEYPOINT_MIRROR), torch.from_numpy(BODY.mirror)
        self.register_buffer("keypoint_mirror", keypoints.clone(), persistent=False)
        self.register_buffer("joint_mirror", joints.clone(), persistent=False)
        self.register_buffer("flip_x", torch.tensor([-1.0, 1.0, 1.0]), persistent=False)

    def forward(
        self,
        rays: Float[Tensor, "batch frames 33 2"],
        confidence: Float[Tensor, "batch frames 33"],
        time_s: Float[Tensor, "batch frames"],
        hint_m: Float[Tensor, "batch frames 33 3"] | None = None,
    ) -> LiftedPose:
        swapped = self.keypoint_mirror
        seen, mirrored = self._both(
            partial(self.lifter, rays, confidence, time_s, hint_m),
            partial(
                self.lifter,
                rays[:, :, swapped] * self.flip_x[:2],
                confidence[:, :, swapped],
                time_s,
                None if hint_m is None else hint_m[:, :, swapped] * self.flip_x,
            ),
        )
        joints_m = mirrored.joints_m[:, :, self.joint_mirror] * self.flip_x
        sigma_m = mirrored.sigma_m[:, :, self.joint_mirror]
        return LiftedPose((seen.joints_m + joints_m) / 2, (seen.sigma_m + sigma_m) / 2)

    def _both(
        self, first: Callable[[], LiftedPose], second: Callable[[], LiftedPose]
    ) -> tuple[LiftedPose, LiftedPose]:
        if self._beside is None:
            return first(), second()

        def infer() -> LiftedPose:  # the mode is a thread's own
            with torch.inference_mode():
                return second()

        later = self._beside.submit(infer)
        try:
            return first(), later.result()
        finally:
            wait([later])
            # It keeps an error, the error this frame, and the frame would keep it.
            del later
