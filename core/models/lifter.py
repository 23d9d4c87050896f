"""The lifter: 2D keypoints over time to 3D joints with a scale of doubt.

Notation:
    B: windows, T: frames, P: keypoints, J: joints, N: B * T, C: channels
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.models.circumstances import Circumstances, DoubtFromCircumstances
from core.models.config import LifterConfig
from core.models.embedding import KeypointEmbedding
from core.models.foreshortening import FORESHORTENING, Foreshortening
from core.models.frame_neighbours import FrameNeighbours, frame_neighbours
from core.models.graph import BodyGraphBlock, BodyGraphSequential
from core.models.lines_of_sight import LinesOfSight
from core.models.normalise import (
    PLACEMENT,
    CentredView,
    centre_weights,
    centred_view,
    size_weights,
)
from core.models.precision import full_precision
from core.models.steadiness import Steadiness, TrustFromSteadiness
from core.models.temporal import SecondsRotary, TemporalLayer
from core.skeleton import BODY

_KEYPOINT_CHANNELS = 4
_HINT_CHANNELS = 4
_FARTHEST_HINT_M = 2.0
_SIGMA_RANGE_M = (0.002, 1.0)


class LiftedPose(NamedTuple):
    """What the lifter says.

    Attributes:
        joints_m: metres, relative to the pelvis, camera frame: x right, y down, z away.
        sigma_m: scale of doubt per joint, metres. The error's length follows a Gamma law of
            shape 3 whose mean is 1.6 sigma, as for a normal error with this standard deviation
            per axis, but with longer tails.
    """

    joints_m: Float[Tensor, "batch frames 28 3"]
    sigma_m: Float[Tensor, "batch frames 28"]


class Lifter(nn.Module):
    """Sparse graph convolutions over the body, then attention over time, sequence to sequence.

    All normalisation is inside. Windows may have any number of frames from 1 up; every window is
    computed as if it were alone, and frames without any known keypoint are as if they were not
    there (their own output means nothing).

    Shape:
        rays ``(B, T, P, 2)``: (pixel - image centre) / assumed focal length in pixels; anything,
        NaN included, where confidence is 0.
        confidence ``(B, T, P)`` in [0, 1], 0 = unknown.
        time_s ``(B, T)`` seconds of each frame; only differences matter, absent frames' are unused.
        hint_m ``(B, T, P, 3)`` the estimator's own 3D of the keypoints, metres, hip-centred, as
        seen by a camera that looks at the person (x right, y down, z away); NaN where it has
        none. Leaving it out is the same as all NaN; a lifter that reads no hint ignores it.
    """

    centre: Tensor
    size: Tensor
    not_root: Tensor

    def __init__(self, config: LifterConfig) -> None:
        super().__init__()
        self.config = config
        joints, inner, outer = len(BODY), config.joint_channels, config.token_channels
        self.embed = KeypointEmbedding(_KEYPOINT_CHANNELS, inner)
        self.embed_placement = nn.Linear(PLACEMENT, inner)
        self.embed_hint = None
        if config.reads_hint:
            self.embed_hint = KeypointEmbedding(_HINT_CHANNELS, inner, bias=False)
            # From nothing, so that weights which never saw a hint are a start.
            nn.init.zeros_(self.embed_hint.weight)
        self.foreshortening = self.embed_foreshortening = None
        if config.foreshortening:
            self.foreshortening = Foreshortening()
            self.embed_foreshortening = nn.Linear(FORESHORTENING, joints * inner, bias=False)
            nn.init.zeros_(self.embed_foreshortening.weight)
        self.encoder = BodyGraphSequential(*_blocks(config, config.encoder_blocks))
        self.pool = nn.Linear(joints * inner, outer)
        self.rotary = SecondsRotary(outer // config.heads)
        self.temporal = nn.ModuleList(
            TemporalLayer(outer, config.heads, config.feedforward_ratio, config.dropout)
            for _ in range(config.temporal_layers)
        )
        self.unpool = nn.Sequential(nn.LayerNorm(outer), nn.Linear(outer, joints * inner))
        self.decoder = BodyGraphSequential(
            *_blocks(config, config.decoder_blocks), nn.LayerNorm(inner)
        )
        self.head_weight = nn.Parameter(torch.randn(joints, inner, 4) * 0.1 * inner**-0.5)
        bias = torch.zeros(joints, 1, 4)
        bias[..., 3] = -3.0  # exp(-3) m = 5 cm
        self.head_bias = nn.Parameter(bias)
        self.lines_of_sight = LinesOfSight(inner, outer) if config.lines_of_sight else None
        self.steadiness = Steadiness() if config.steadiness or config.circumstances else None
        self.from_steadiness = TrustFromSteadiness() if config.steadiness else None
        self.circumstances = self.from_circumstances = None
        if config.circumstances:
            self.circumstances = Circumstances(reads_hint=config.reads_hint)
            self.from_circumstances = DoubtFromCircumstances()
        not_root = torch.ones(joints, 1)
        not_root[BODY.root] = 0
        self.register_buffer("not_root", not_root, persistent=False)
        self.register_buffer("centre", centre_weights(), persistent=False)
        self.register_buffer("size", size_weights(), persistent=False)

    def forward(
        self,
        rays: Float[Tensor, "batch frames 33 2"],
        confidence: Float[Tensor, "batch frames 33"],
        time_s: Float[Tensor, "batch frames"],
        hint_m: Float[Tensor, "batch frames 33 3"] | None = None,
    ) -> LiftedPose:
        view, seconds = self.look(rays, confidence, time_s)
        frames = frame_neighbours(view.present, seconds) if self.config.graph.time else None
        with full_precision(rays.device):
            nodes = self._embed(view, hint_m)
        nodes = self.encoder(nodes, frames)
        tokens = self._attend(nodes, view.present, seconds)
        features = self._decode(nodes, tokens, frames)
        with full_precision(rays.device):
            return self._say(view, seconds, hint_m, tokens, features)

    def _say(
        self,
        view: CentredView,
        seconds: Float[Tensor, "B T"],
        hint_m: Float[Tensor, "B T P 3"] | None,
        tokens: Float[Tensor, "B T C_token"],
        features: Float[Tensor, "J N C_joint"],
    ) -> LiftedPose:
        """Features to joints in the camera frame, and doubt."""
        output = torch.baddbmm(self.head_bias, features, self.head_weight)  # (J, N, 4)
        output = output.transpose(0, 1).reshape(*tokens.shape[:2], -1, 4)  # (B, T, J, 4)
        joints_m, log_sigma = output[..., :3], output[..., 3]
        steady = None if self.steadiness is None else self.steadiness(view, seconds)
        more_trust = None
        if steady is not None and self.from_steadiness is not None:
            more_trust, more_doubt = self.from_steadiness(steady)
            log_sigma = log_sigma + more_doubt[:, None]
        if steady is not None and self.circumstances and self.from_circumstances:
            told = self.circumstances(view, steady, hint_m)
            log_sigma = log_sigma + self.from_circumstances(told)
        if self.lines_of_sight is not None:
            joints_m = self.lines_of_sight(joints_m, features, tokens, view, more_trust)
        # p_virtual = R p_camera, so rows turn back by right multiplication with R
        joints_m = (joints_m @ view.rotation) * self.not_root
        least, most = _SIGMA_RANGE_M
        return LiftedPose(joints_m, log_sigma.exp().clamp(least, most))

    def look(
        self,
        rays: Float[Tensor, "batch frames 33 2"],
        confidence: Float[Tensor, "batch frames 33"],
        time_s: Float[Tensor, "batch frames"],
    ) -> tuple[CentredView, Float[Tensor, "batch frames"]]:
        """The window as a camera that looks at the person has it, and seconds from its start."""
        view = centred_view(rays, confidence, self.centre, self.size)
        return view, _since_first(time_s, view.present).to(view.points.dtype)

    def _embed(self, view: CentredView, hint_m: Tensor | None) -> Float[Tensor, "J N C"]:
        """Keypoints, and what follows from them, to joint features."""
        known = (view.confidence > 0).to(view.points.dtype)
        features = torch.cat([view.points, view.confidence[..., None], known[..., None]], dim=-1)
        nodes = self.embed(features.flatten(0, 1))
        nodes = nodes + self.embed_placement(view.placement.flatten(0, 1))
        if self.embed_hint is not None and hint_m is not None:
            nodes = nodes + self.embed_hint(_hint_features(hint_m, view.present).flatten(0, 1))
        if self.foreshortening is not None and self.embed_foreshortening is not None:
            reach = self.embed_foreshortening(self.foreshortening(view).flatten(0, 1))  # (N, J * C)
            nodes = nodes + reach.view(-1, len(BODY), nodes.shape[-1]).transpose(0, 1)
        return nodes

    def _attend(self, nodes: Tensor, present: Tensor, seconds: Tensor) -> Float[Tensor, "B T C"]:
        """One token per frame, and what the other frames tell it."""
        batch, frames = present.shape
        tokens = self.pool(nodes.transpose(0, 1).flatten(1)).view(batch, frames, -1)
        tokens = tokens.to(nodes.dtype)  # layers add to them: under autocast the sum keeps its bits
        table = self.rotary(seconds)
        # A frame may always look at itself, or an empty window would divide zero by zero.
        itself = torch.eye(frames, dtype=torch.bool, device=tokens.device)
        attend = (present[:, None, :] | itself)[:, None]
        for layer in self.temporal:
            tokens = layer(tokens, table, attend)
        return tokens

    def _decode(
        self, nodes: Tensor, tokens: Tensor, frames: FrameNeighbours | None
    ) -> Float[Tensor, "J N C"]:
        """Back to joints, where each frame's own features join in again."""
        joints, poses, _ = nodes.shape
        context = self.unpool(tokens).view(poses, joints, -1).transpose(0, 1)
        return self.decoder(nodes + context, frames).to(nodes.dtype)


def _blocks(config: LifterConfig, count: int) -> list[BodyGraphBlock]:
    pooling = config.part_pooling
    return [
        BodyGraphBlock(config.joint_channels, config.graph, part_pooling=pooling)
        for _ in range(count)
    ]


def _hint_features(hint_m: Tensor, present: Tensor) -> Float[Tensor, "B T P 4"]:
    """Coordinates and whether there are any; all 0 where there are none."""
    known = torch.isfinite(hint_m).all(-1, keepdim=True) & present[..., None, None]
    near = torch.where(known, hint_m, 0).clamp(-_FARTHEST_HINT_M, _FARTHEST_HINT_M)
    return torch.cat([near, known.to(near.dtype)], dim=-1)


def _since_first(time_s: Tensor, present: Tensor) -> Tensor:
    """Seconds since the first present frame, so that float32 angles stay exact; 0 if absent."""
    usable = torch.where(present, time_s, torch.inf)
    first = usable.min(dim=1, keepdim=True).values
    return torch.where(present, time_s - first, 0)
