import pytest

from core.errors import ConfigInvalid
from core.models import GraphWeights, LifterConfig


def test_a_config_survives_plain_values():
    config = LifterConfig(graph_weights=GraphWeights.PER_KIND, heads=8)
    assert LifterConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"tokn_channels": 64}, "did you mean 'token_channels'"),
        ({"graph_weights": "per_bone"}, "shared, per_kind, per_joint"),
        ({"heads": 5}, "'heads' (5) must divide"),
        ({"joint_channels": 0}, "'joint_channels' must be at least 1"),
        ({"temporal_layers": -1}, "'temporal_layers' must not be negative"),
        ({"heads": "many"}, "wrong kind"),
    ],
)
def test_what_is_wrong_is_named(values, words):
    with pytest.raises(ConfigInvalid) as caught:
        LifterConfig.from_dict(values)
    assert words in caught.value.detail
