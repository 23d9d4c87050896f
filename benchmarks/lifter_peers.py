"""Two published kinds of lifter, written anew from their papers, with random weights.

They are here for what they cost. They lift 17 joints, as their authors' do; nothing is trained, and
nothing can be said about how well they lift.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

JOINTS = 17
_PARENTS = (0, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)  # of Human3.6M's 17


class TemporalConvolutions(nn.Module):
    """Dilated convolutions over time: 243 frames for every frame that comes out.

    A whole clip goes through at once, so that no frame is computed twice; its first and last frame
    are repeated to both sides, as the authors do when they evaluate.

    Source: Pavllo et al., "3D human pose estimation in video with temporal convolutions and
    semi-supervised training", CVPR 2019, section 3 and figure 2: filter widths 3, 3, 3, 3, 3.

    Shape:
        keypoints ``(B, T, 17, 2)`` to joints ``(B, T, 17, 3)``
    """

    def __init__(self, channels: int = 1024, widths: tuple[int, ...] = (3, 3, 3, 3, 3)) -> None:
        super().__init__()
        self.expand = nn.Conv1d(JOINTS * 2, channels, widths[0], bias=False)
        self.expand_norm = nn.BatchNorm1d(channels)
        blocks, dilation = [], widths[0]
        for width in widths[1:]:
            blocks.append(_DilatedBlock(channels, width, dilation))
            dilation *= width
        self.blocks = nn.ModuleList(blocks)
        self.shrink = nn.Conv1d(channels, JOINTS * 3, 1)
        self.reach = (dilation - 1) // 2

    def forward(self, keypoints: Float[Tensor, "B T 17 2"]) -> Float[Tensor, "B T 17 3"]:
        rows = keypoints.flatten(2).transpose(1, 2)  # (B, 34, T)
        rows = functional.pad(rows, (self.reach, self.reach), mode="replicate")
        features = self.expand_norm(self.expand(rows)).relu()
        for block in self.blocks:
            features = block(features)
        return self.shrink(features).transpose(1, 2).unflatten(2, (JOINTS, 3))


class _DilatedBlock(nn.Module):
    def __init__(self, channels: int, width: int, dilation: int) -> None:
        super().__init__()
        self.wide = nn.Conv1d(channels, channels, width, dilation=dilation, bias=False)
        self.wide_norm = nn.BatchNorm1d(channels)
        self.narrow = nn.Conv1d(channels, channels, 1, bias=False)
        self.narrow_norm = nn.BatchNorm1d(channels)
        self.lost = dilation * (width - 1) // 2

    def forward(self, features: Float[Tensor, "B C T"]) -> Float[Tensor, "B C T2"]:
        kept = features[..., self.lost : features.shape[-1] - self.lost]
        inner = self.wide_norm(self.wide(features)).relu()
        return kept + self.narrow_norm(self.narrow(inner)).relu()


class AttentionAndGraphs(nn.Module):
    """Attention and graph convolutions side by side, over joints and over time, 27 frames.

    Of the size and shape of MotionAGFormer-XS: 12 layers of 64 channels, 2.2 M parameters. Details
    are ours wherever the paper leaves room.

    Source: Mehraban et al., "MotionAGFormer: Enhancing 3D human pose estimation with a
    transformer-GCNFormer network", WACV 2024, sections 3.1 to 3.4 and table 1.

    Shape:
        keypoints ``(B, T, 17, 2)`` to joints ``(B, T, 17, 3)``
    """

    FRAMES = 27

    def __init__(self, channels: int = 64, layers: int = 12, wide: int = 512) -> None:
        super().__init__()
        self.embed = nn.Linear(2, channels)
        self.place = nn.Parameter(torch.zeros(JOINTS, channels))
        self.layers = nn.ModuleList(_TwoStreams(channels) for _ in range(layers))
        self.norm = nn.LayerNorm(channels)
        self.represent = nn.Linear(channels, wide)
        self.head = nn.Linear(wide, 3)

    def forward(self, keypoints: Float[Tensor, "B T 17 2"]) -> Float[Tensor, "B T 17 3"]:
        features = self.embed(keypoints) + self.place
        for layer in self.layers:
            features = layer(features)
        return self.head(self.represent(self.norm(features)).tanh())


class _TwoStreams(nn.Module):
    """Both streams see joints first, then time; a learned share of each goes on."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention = nn.Sequential(
            _Mixed(_Attention(channels, over_time=False), channels),
            _Mixed(_Attention(channels, over_time=True), channels),
        )
        self.graphs = nn.Sequential(
            _Mixed(_BodyGraph(channels), channels), _Mixed(_TimeGraph(channels), channels)
        )
        self.share = nn.Linear(2 * channels, 2)

    def forward(self, features: Float[Tensor, "B T J C"]) -> Float[Tensor, "B T J C"]:
        one, other = self.attention(features), self.graphs(features)
        share = self.share(torch.cat([one, other], dim=-1)).softmax(-1)
        return share[..., :1] * one + share[..., 1:] * other


class _Mixed(nn.Module):
    """Normalise, mix, add; then the same with two layers for each joint by itself."""

    def __init__(self, mixer: nn.Module, channels: int) -> None:
        super().__init__()
        self.norm, self.mixer = nn.LayerNorm(channels), mixer
        self.alone = nn.Sequential(
            nn.LayerNorm(channels),
            nn.Linear(channels, 4 * channels),
            nn.GELU(),
            nn.Linear(4 * channels, channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        features = features + self.mixer(self.norm(features))
        return features + self.alone(features)


class _Attention(nn.Module):
    def __init__(self, channels: int, *, over_time: bool, heads: int = 8) -> None:
        super().__init__()
        self.over_time, self.heads = over_time, heads
        self.project_in = nn.Linear(channels, 3 * channels, bias=False)
        self.project_out = nn.Linear(channels, channels)

    def forward(self, features: Float[Tensor, "B T J C"]) -> Float[Tensor, "B T J C"]:
        rows = features.transpose(1, 2) if self.over_time else features
        mixed = self.project_in(rows).unflatten(-1, (3, self.heads, -1))
        query, key, value = mixed.permute(3, 0, 1, 4, 2, 5).unbind(0)  # each (B, R, H, S, D)
        seen = functional.scaled_dot_product_attention(query, key, value)
        rows = self.project_out(seen.transpose(2, 3).flatten(3))
        return rows.transpose(1, 2) if self.over_time else rows


class _GraphConvolution(nn.Module):
    """A joint hears itself through one matrix, and the mean of its neighbours through another."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.itself = nn.Linear(channels, channels)
        self.others = nn.Linear(channels, channels)
        self.norm = nn.BatchNorm1d(channels)

    def hear(self, features: Tensor, neighbours: Float[Tensor, "*rows S S"]) -> Tensor:
        heard = self.itself(features) + neighbours @ self.others(features)
        flat = self.norm(heard.flatten(0, -2)).relu()
        return flat.view_as(heard)


class _BodyGraph(_GraphConvolution):
    neighbours: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        near = torch.eye(JOINTS)
        for joint, parent in enumerate(_PARENTS):
            near[joint, parent] = near[parent, joint] = 1
        root = near.sum(1).rsqrt()
        self.register_buffer("neighbours", root[:, None] * near * root, persistent=False)

    def forward(self, features: Float[Tensor, "B T J C"]) -> Float[Tensor, "B T J C"]:
        return self.hear(features, self.neighbours)


class _TimeGraph(_GraphConvolution):
    """Frames are neighbours where a joint's features are most alike."""

    _NEAREST = 2

    def forward(self, features: Float[Tensor, "B T J C"]) -> Float[Tensor, "B T J C"]:
        rows = features.transpose(1, 2)  # (B, J, T, C)
        alike = rows @ rows.mT
        least = alike.topk(min(self._NEAREST, alike.shape[-1]), dim=-1).values[..., -1:]
        near = (alike >= least).to(rows.dtype)
        near = near / near.sum(-1, keepdim=True)
        return self.hear(rows, near).transpose(1, 2)
