"""What one lifter is made of, as a frozen value that travels inside its checkpoint."""

from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Self, TypeVar

from core.errors import ConfigInvalid
from core.models.graph_form import BODY_NEIGHBOURS, GraphForm, GraphWeights, Neighbour, Topology

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True)
class LifterConfig:
    """Sizes and choices of one lifter.

    Attributes:
        graph_weights: which edges of a graph convolution share weights.
        neighbours: kinds of neighbour that joints hear; ``forward`` and ``backward`` join the
            graphs of neighbouring frames.
        topology: whether the strength of the body's edges is learned.
        part_pooling: whether joints also hear their body part and the whole body.
        joint_channels: features per joint in the graph convolutions.
        encoder_blocks: residual graph blocks before attention over time.
        decoder_blocks: residual graph blocks after it.
        token_channels: features of the one token a frame becomes.
        temporal_layers: attention layers over time; 0 leaves only neighbours in time, if any.
        heads: attention heads; must divide ``token_channels`` into even parts.
        feedforward_ratio: hidden over outer width of a temporal layer's feed-forward part.
        dropout: probability in attention and feed-forward outputs, while training.
        reads_hint: whether the estimator's own 3D is an input beside the keypoints.
        foreshortening: whether apparent lengths, and the reach in depth that follows from them, are
            inputs beside the keypoints.
        lines_of_sight: whether joints may be put onto their keypoints' lines of sight directly.
        steadiness: whether trust in lines of sight, and doubt, also depend on how much keypoints
            tremble.
        circumstances: whether doubt also depends on what could be seen of each joint; switched on
            by `poselift calibrate`, which fits the coefficients. Training has no use for it.
    """

    graph_weights: GraphWeights = GraphWeights.PER_JOINT
    neighbours: tuple[Neighbour, ...] = BODY_NEIGHBOURS
    topology: Topology = Topology.FIXED
    part_pooling: bool = False
    joint_channels: int = 32
    encoder_blocks: int = 2
    decoder_blocks: int = 1
    token_channels: int = 256
    temporal_layers: int = 4
    heads: int = 4
    feedforward_ratio: float = 2.0
    dropout: float = 0.0
    reads_hint: bool = False
    foreshortening: bool = False
    lines_of_sight: bool = False
    steadiness: bool = False
    circumstances: bool = False

    def __post_init__(self) -> None:
        _check_ranges(self)
        if self.token_channels % (2 * self.heads):
            raise ConfigInvalid(
                f"Model field 'heads' ({self.heads}) must divide 'token_channels' "
                f"({self.token_channels}) into even parts."
            )
        if Neighbour.SELF not in self.neighbours:
            raise ConfigInvalid("Model field 'neighbours' must name 'self' among others.")
        if self.topology == Topology.DENSE and self.graph_weights == GraphWeights.PER_EDGE:
            raise ConfigInvalid(
                "Model field 'topology' cannot be dense with 'graph_weights' per_edge: that is a "
                "matrix for each of some three thousand pairs. Choose per_joint, or the body's "
                "own edges with topology fixed or masked_learnable."
            )

    @property
    def graph(self) -> GraphForm:
        """What its graph convolutions are made of."""
        return GraphForm(self.graph_weights, self.neighbours, self.topology)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON and YAML write them."""
        return {
            **asdict(self),
            "graph_weights": str(self.graph_weights),
            "neighbours": [str(kind) for kind in self.neighbours],
            "topology": str(self.topology),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read what :meth:`to_dict` or a YAML file wrote; fields left out keep their defaults.

        Raises:
            ConfigInvalid: a field or choice is unknown (names the nearest one), out of range or of
                the wrong kind.
        """
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f"did you mean '{near[0]}'?" if near else f"fields are {', '.join(known)}."
                raise ConfigInvalid(f"There is no model field '{name}': {hint}")
        values = dict(values)
        _check_kinds(cls, values)
        if "graph_weights" in values:
            values["graph_weights"] = _choice(
                GraphWeights, values["graph_weights"], "graph_weights"
            )
        if "topology" in values:
            values["topology"] = _choice(Topology, values["topology"], "topology")
        if "neighbours" in values:
            values["neighbours"] = _neighbours(values["neighbours"])
        return cls(**values)


def _neighbours(value: object) -> tuple[Neighbour, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigInvalid(f"Model field 'neighbours' must be a list of names, not {value!r}.")
    named = [_choice(Neighbour, each, "neighbours") for each in value]
    if len(set(named)) < len(named):
        raise ConfigInvalid("Model field 'neighbours' names one of them twice.")
    return tuple(kind for kind in Neighbour if kind in named)


def _choice(kind: type[Choice], value: object, field: str) -> Choice:
    choices = [str(member) for member in kind]
    if value in choices:
        return kind(str(value))
    near = get_close_matches(str(value), choices, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise ConfigInvalid(
        f"Model field '{field}' knows {', '.join(choices)}, and not {value!r}.{hint}"
    )


_KINDS = {bool: "true or false", int: "a whole number", float: "a number"}


def _check_kinds(config: type[LifterConfig], values: dict[str, Any]) -> None:
    for field in fields(config):
        kind = field.type
        if field.name not in values or kind not in _KINDS:
            continue
        value = values[field.name]
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise ConfigInvalid(
                f"Model field '{field.name}' must be {_KINDS[kind]}, not {value!r}."
            )


def _check_ranges(config: LifterConfig) -> None:
    for name in ("joint_channels", "token_channels", "heads"):
        if getattr(config, name) < 1:
            raise ConfigInvalid(f"Model field '{name}' must be at least 1.")
    for name in ("encoder_blocks", "decoder_blocks", "temporal_layers"):
        if getattr(config, name) < 0:
            raise ConfigInvalid(f"Model field '{name}' must not be negative.")
    if not 0 < config.feedforward_ratio < float("inf"):
        raise ConfigInvalid("Model field 'feedforward_ratio' must be greater than 0.")
    if not 0 <= config.dropout < 1:
        raise ConfigInvalid("Model field 'dropout' must be from 0 to below 1.")


PRESETS: dict[str, LifterConfig] = {
    "small": LifterConfig(
        joint_channels=16,
        encoder_blocks=1,
        token_channels=128,
        temporal_layers=3,
        heads=2,
        reads_hint=True,
        foreshortening=True,
        lines_of_sight=True,
        steadiness=True,
    ),
    "base": LifterConfig(
        reads_hint=True, foreshortening=True, lines_of_sight=True, steadiness=True
    ),
    "large": LifterConfig(
        joint_channels=64,
        encoder_blocks=3,
        decoder_blocks=2,
        token_channels=512,
        temporal_layers=6,
        heads=8,
        reads_hint=True,
        foreshortening=True,
        lines_of_sight=True,
        steadiness=True,
    ),
}
"""Sizes by name: at most 1, 6 and 20 million parameters."""
