"""How well a joint could be seen at all: what doubt must go by besides the pose.

A lifter's sigma is calibrated on many kinds of input at once, and what is right on average is wrong
for each: a limb that is hidden deserves more doubt than its sigma says, exact keypoints less. So a
few plain numbers say what kind of input it is, joint by joint, and move the logarithm of sigma.

Notation:
    B: windows, T: frames, P: keypoints, J: joints, K: circumstances
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.models.lines_of_sight import joint_places
from core.models.normalise import CentredView
from core.models.steadiness import STEADINESS_NAMES
from core.skeleton import BODY

CIRCUMSTANCES = ("unseen", "missing", "exact", "hinted")
"""What there is to say of each joint in each frame, from 0 (not at all) to 1."""

_EXACT_BIAS = -3.6
_EXACT = {"trunk": -9.4, "limbs": 4.3, "interval": 3.3}
# Logistic regression over windows of the training's own drawing in which every keypoint is
# certain: it tells exact ones from those of a detector that has no confidences in 96 of 100.
# People's limbs move more than their trunks; a detector's trembling does not care.
_UNDECIDED = 0.5
"""Of windows without three frames, which cannot tremble."""


class Circumstances(nn.Module):
    """What can be seen of each joint.

    ``unseen`` is the lack of confidence in those of its keypoints that are known, ``missing`` the
    share of its keypoints that are not, ``exact`` how exact the keypoints of the whole window look
    (certain, and not trembling), ``hinted`` the share that has the detector's own 3D. All numbers
    are finite and in [0, 1], whatever is missing.

    Args:
        reads_hint: whether the lifter does; nothing is hinted otherwise.

    Shape:
        view of ``(B, T)``; steadiness ``(B, STEADINESS)`` of :class:`Steadiness`; hint_m as the
        lifter's; output ``(B, T, J, K)`` in the order of ``CIRCUMSTANCES``
    """

    shares: Tensor
    to_exact: Tensor

    def __init__(self, *, reads_hint: bool) -> None:
        super().__init__()
        self.reads_hint = reads_hint
        used = (joint_places() != 0).float()  # (J, P)
        self.register_buffer("shares", used / used.sum(1, keepdim=True), persistent=False)
        to_exact = torch.tensor([_EXACT.get(name, 0.0) for name in STEADINESS_NAMES])
        self.register_buffer("to_exact", to_exact, persistent=False)

    def forward(
        self,
        view: CentredView,
        steadiness: Float[Tensor, "B F"],
        hint_m: Float[Tensor, "B T P 3"] | None = None,
    ) -> Float[Tensor, "B T J K"]:
        known = (view.confidence > 0).to(view.points.dtype)
        of_known = known @ self.shares.mT  # (B, T, J)
        doubtful = ((1 - view.confidence) * known) @ self.shares.mT
        exact = self._exact(steadiness)[:, None, None].expand_as(of_known)
        hinted = torch.zeros_like(of_known)
        if self.reads_hint and hint_m is not None:
            given = torch.isfinite(hint_m).all(-1) & view.present[..., None]
            hinted = given.to(known.dtype) @ self.shares.mT
        return torch.stack([doubtful / of_known.clamp(min=1e-6), 1 - of_known, exact, hinted], -1)

    def _exact(self, steadiness: Float[Tensor, "B F"]) -> Float[Tensor, "B"]:
        said = dict(zip(STEADINESS_NAMES, steadiness.unbind(-1), strict=True))
        steady = torch.sigmoid((steadiness * self.to_exact).sum(-1) + _EXACT_BIAS)
        decided = said["any_trunk"] * said["any_limbs"]
        return said["certain"] * (decided * steady + (1 - decided) * _UNDECIDED)


class DoubtFromCircumstances(nn.Module):
    """Adds to the logarithm of sigma, linearly; coefficients are fitted by `poselift calibrate`.

    Shape:
        input ``(B, T, J, K)``, output ``(B, T, J)``
    """

    def __init__(self) -> None:
        super().__init__()
        # From nothing, so that weights which never asked are a start.
        self.weight = nn.Parameter(torch.zeros(len(BODY), len(CIRCUMSTANCES)))

    def forward(self, circumstances: Float[Tensor, "B T J K"]) -> Float[Tensor, "B T J"]:
        return (circumstances * self.weight).sum(-1)

    @torch.no_grad()
    def correct(self, gain: Float[Tensor, "J"], added: Float[Tensor, "J K"]) -> None:
        """Multiply what is added to the logarithm of each joint's sigma, then add to that."""
        self.weight *= gain[:, None]
        self.weight += added
