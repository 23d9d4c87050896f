"""What one lifter is made of, as a frozen value that travels inside its checkpoint."""

from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Self

from core.errors import ConfigInvalid


class GraphWeights(StrEnum):
    """Which targets share the matrices of a graph convolution.

    Source: Liu et al., "A Comprehensive Study of Weight Sharing in Graph Networks for 3D Human
    Pose Estimation", ECCV 2020; per joint: Ci et al., "Optimizing Network Structure for 3D Human
    Pose Estimation", ICCV 2019 (LCN).
    """

    SHARED = "shared"
    PER_KIND = "per_kind"
    PER_JOINT = "per_joint"


@dataclass(frozen=True)
class LifterConfig:
    """Sizes and choices of one lifter.

    Attributes:
        graph_weights: how graph convolutions share weights.
        joint_channels: features per joint in the graph convolutions.
        encoder_blocks: residual graph blocks before attention over time.
        decoder_blocks: residual graph blocks after it.
        token_channels: features of the one token a frame becomes.
        temporal_layers: attention layers over time; 0 lifts each frame alone.
        heads: attention heads; must divide ``token_channels`` into even parts.
        feedforward_ratio: hidden over outer width of a temporal layer's feed-forward part.
        dropout: probability in attention and feed-forward outputs, while training.
        reads_hint: whether the estimator's own 3D is an input beside the keypoints.
    """

    graph_weights: GraphWeights = GraphWeights.PER_JOINT
    joint_channels: int = 32
    encoder_blocks: int = 2
    decoder_blocks: int = 1
    token_channels: int = 256
    temporal_layers: int = 4
    heads: int = 4
    feedforward_ratio: float = 2.0
    dropout: float = 0.0
    reads_hint: bool = False

    def __post_init__(self) -> None:
        for name in ("joint_channels", "token_channels", "heads"):
            if getattr(self, name) < 1:
                raise ConfigInvalid(f"Model field '{name}' must be at least 1.")
        for name in ("encoder_blocks", "decoder_blocks", "temporal_layers"):
            if getattr(self, name) < 0:
                raise ConfigInvalid(f"Model field '{name}' must not be negative.")
        if self.token_channels % (2 * self.heads):
            raise ConfigInvalid(
                f"Model field 'heads' ({self.heads}) must divide 'token_channels' "
                f"({self.token_channels}) into even parts."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON and YAML write them."""
        return {**asdict(self), "graph_weights": str(self.graph_weights)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read what :meth:`to_dict` or a YAML file wrote.

        Raises:
            ConfigInvalid: a field is unknown (names the nearest one) or out of range.
        """
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f"did you mean '{near[0]}'?" if near else f"fields are {', '.join(known)}."
                raise ConfigInvalid(f"There is no model field '{name}': {hint}")
        values = dict(values)
        if "graph_weights" in values:
            try:
                values["graph_weights"] = GraphWeights(values["graph_weights"])
            except ValueError:
                choices = ", ".join(GraphWeights)
                raise ConfigInvalid(f"Model field 'graph_weights' is one of {choices}.") from None
        try:
            return cls(**values)
        except TypeError as error:
            raise ConfigInvalid(f"A model field has the wrong kind of value: {error}.") from None


PRESETS: dict[str, LifterConfig] = {
    "small": LifterConfig(
        joint_channels=16,
        encoder_blocks=1,
        token_channels=128,
        temporal_layers=3,
        heads=2,
        reads_hint=True,
    ),
    "base": LifterConfig(reads_hint=True),
}
"""Sizes by name."""
