import torch

from core.models.temporal import SecondsRotary, TemporalLayer, rotate


def test_rotated_products_depend_on_time_differences_only():
    """Golden property: Su et al., RoFormer, 2021, equation 11."""
    rotary = SecondsRotary(16)
    query, key = torch.randn(2, 1, 1, 1, 16, generator=torch.Generator().manual_seed(0))

    def product(first: float, second: float) -> float:
        turned = rotate(query, rotary(torch.tensor([[first]])))
        return float((turned * rotate(key, rotary(torch.tensor([[second]])))).sum())

    assert abs(product(0.2, 0.5) - product(3.2, 3.5)) < 1e-4
    assert abs(product(0.2, 0.5) - product(0.2, 0.9)) > 1e-3


def test_rotation_keeps_lengths():
    rotary = SecondsRotary(8)
    features = torch.randn(2, 3, 5, 8)
    turned = rotate(features, rotary(torch.rand(2, 5) * 10))
    torch.testing.assert_close(turned.norm(dim=-1), features.norm(dim=-1))


def test_what_may_not_be_attended_is_not_heard():
    torch.manual_seed(0)
    layer, rotary = TemporalLayer(16, 2, 2.0, 0.0).eval(), SecondsRotary(8)
    tokens = torch.randn(1, 4, 16)
    table = rotary(torch.arange(4.0)[None])
    attend = torch.ones(1, 1, 4, 4, dtype=torch.bool)
    attend[..., 3] = False
    changed = tokens.clone()
    changed[:, 3] += 1
    before, after = layer(tokens, table, attend), layer(changed, table, attend)
    assert torch.equal(before[:, :3], after[:, :3])
    attend[...] = True
    assert not torch.equal(layer(tokens, table, attend), layer(changed, table, attend))
