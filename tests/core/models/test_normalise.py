import torch
from hypothesis import given
from hypothesis import strategies as st

from core.models.normalise import centre_weights, centred_view, look_at, size_weights
from tests.core.models.inputs import make_inputs

rays = st.tuples(st.floats(-2, 2), st.floats(-2, 2))


@given(rays)
def test_the_virtual_camera_looks_at_the_ray(ray):
    rotation = look_at(torch.tensor(ray).view(1, 1, 2))[0, 0]
    direction = torch.tensor([*ray, 1.0])
    turned = rotation @ (direction / direction.norm())
    torch.testing.assert_close(turned, torch.tensor([0.0, 0.0, 1.0]), atol=1e-5, rtol=0)
    torch.testing.assert_close(rotation @ rotation.T, torch.eye(3), atol=1e-5, rtol=0)
    assert torch.linalg.det(rotation) > 0
    assert abs(float(rotation[0, 1])) < 1e-6  # its right stays level: no roll


def test_size_and_place_leave_the_points_alone():
    """Twice as large in the picture, same points: what is lost comes back in the placement."""
    inputs = make_inputs(1, 4)
    centred = inputs.rays - inputs.rays.mean((1, 2), keepdim=True)
    weights = centre_weights(), size_weights()
    small = centred_view(centred * 0.05, inputs.confidence, *weights)
    large = centred_view(centred * 0.1, inputs.confidence, *weights)
    torch.testing.assert_close(small.points, large.points, atol=5e-2, rtol=0)
    grown = large.placement[..., 2] - small.placement[..., 2]
    torch.testing.assert_close(grown, torch.full_like(grown, 0.6931), atol=3e-2, rtol=0)


def test_far_off_axis_noise_stays_finite():
    inputs = make_inputs(1, 3)
    wild = inputs.rays.clone()
    wild[:, :, 5] = torch.tensor([1e4, -1e4])
    view = centred_view(wild, inputs.confidence, centre_weights(), size_weights())
    assert torch.isfinite(view.points).all()
    assert view.points.abs().amax() <= 8
