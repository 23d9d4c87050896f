import json

import pytest
import yaml

from core.errors import ConfigInvalid
from core.models import LifterConfig, Neighbour
from core.models.config import PRESETS
from tests.core.models.inputs import FAMILIES


@pytest.mark.parametrize("config", [*FAMILIES.values(), *PRESETS.values()])
def test_a_config_survives_plain_values(config):
    plain = yaml.safe_load(json.dumps(config.to_dict()))
    assert LifterConfig.from_dict(plain) == config


def test_fields_left_out_keep_their_defaults():
    """So that checkpoints from before a field existed still say what they are."""
    assert LifterConfig.from_dict({}) == LifterConfig()
    assert not LifterConfig().graph.time


def test_the_order_of_neighbours_does_not_matter():
    config = LifterConfig.from_dict({"neighbours": ["backward", "mirror", "self"]})
    assert config.graph.body == (Neighbour.SELF, Neighbour.MIRROR)
    assert config.graph.time == (Neighbour.BACKWARD,)
    swapped = LifterConfig.from_dict({"neighbours": ["self", "backward", "mirror"]})
    assert swapped == config


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"tokn_channels": 64}, "did you mean 'token_channels'"),
        ({"graph_weights": "per_bone"}, "shared, per_kind, per_joint, per_edge"),
        ({"graph_weights": "per_jiont"}, "Did you mean 'per_joint'"),
        ({"graph_weights": 3}, "and not 3"),
        ({"topology": "masked_lernable"}, "Did you mean 'masked_learnable'"),
        ({"topology": "dense", "graph_weights": "per_edge"}, "cannot be dense with"),
        ({"neighbours": ["self", "foward"]}, "Did you mean 'forward'"),
        ({"neighbours": ["inward"]}, "must name 'self'"),
        ({"neighbours": ["self", "mirror", "mirror"]}, "twice"),
        ({"neighbours": "self"}, "must be a list of names"),
        ({"part_poling": True}, "did you mean 'part_pooling'"),
        ({"part_pooling": "yes"}, "'part_pooling' must be true or false"),
        ({"reads_hint": 1}, "'reads_hint' must be true or false"),
        ({"dropout": 1}, "'dropout' must be from 0 to below 1"),
        ({"dropout": float("nan")}, "'dropout' must be from 0 to below 1"),
        ({"feedforward_ratio": 0}, "'feedforward_ratio' must be greater than 0"),
        ({"heads": 5}, "'heads' (5) must divide"),
        ({"joint_channels": 0}, "'joint_channels' must be at least 1"),
        ({"temporal_layers": -1}, "'temporal_layers' must not be negative"),
        ({"heads": "many"}, "'heads' must be a whole number, not 'many'"),
        ({"temporal_layers": True}, "'temporal_layers' must be a whole number"),
        ({"encoder_blocks": 0.5}, "'encoder_blocks' must be a whole number"),
    ],
)
def test_what_is_wrong_is_named(values, words):
    with pytest.raises(ConfigInvalid) as caught:
        LifterConfig.from_dict(values)
    assert words in caught.value.detail
