import numpy as np
import torch

from core.cameras import ASSUMED_FOCAL, project
from core.skeleton import BODY
from core.training.dice import Dice
from core.training.viewpoints import camera_axes, draw_viewpoint, to_image
from tests.core.training.motion_files import walking


def test_the_axes_of_a_level_camera_by_hand():
    # Looking along -z, as at a person who faces +z: their left (+x) is on the picture's right.
    zero = torch.zeros(1)
    right, down, forward = camera_axes(torch.full((1,), torch.pi), zero, zero)[0]
    torch.testing.assert_close(right, torch.tensor([1.0, 0, 0]), atol=1e-6, rtol=0)
    torch.testing.assert_close(down, torch.tensor([0, -1.0, 0]), atol=1e-6, rtol=0)
    torch.testing.assert_close(forward, torch.tensor([0, 0, -1.0]), atol=1e-6, rtol=0)


def test_any_camera_is_a_rotation_and_positive_pitch_looks_down():
    dice = Dice(0)
    angles = [dice.normal((100,)) for _ in range(3)]
    axes = camera_axes(*angles)
    torch.testing.assert_close(axes @ axes.mT, torch.eye(3).expand(100, 3, 3), atol=1e-5, rtol=0)
    assert (torch.linalg.det(axes) > 0.99).all()
    assert camera_axes(torch.zeros(1), torch.ones(1), torch.zeros(1))[0, 2, 1] < 0


def test_views_are_many_and_keep_the_body_in_front():
    people = torch.from_numpy(walking(9, 0)).expand(400, 9, 28, 3)
    view = draw_viewpoint(Dice(0), people, told=0.15)
    body = people - people[:, :, BODY.root : BODY.root + 1]
    joints = body @ view.rotation[:, None].mT + view.root_m[:, :, None]
    assert joints[..., 2].min() > 0.45
    assert view.root_m[..., 2].max() > 8
    pitch = torch.asin(-view.rotation[:, 2, 1])
    assert pitch.min() < -0.2
    assert pitch.max() > 0.7
    place = to_image(joints, view.focal)[:, 4, BODY.root] / view.frame
    assert (place.abs() <= 1.3).all(1).float().mean() > 0.9


def test_who_is_told_the_lens_does_not_change_the_dice():
    people = torch.from_numpy(walking(9, 0)).expand(50, 9, 28, 3)
    told, untold = (draw_viewpoint(Dice(0), people, share) for share in (1.0, 0.0))
    assert torch.equal(told.assumed_focal, told.focal)
    assert torch.equal(untold.assumed_focal, torch.full((50,), ASSUMED_FOCAL))
    for one, two in zip(told, untold._replace(assumed_focal=told.assumed_focal), strict=True):
        assert torch.equal(one, two)


def test_projection_is_the_one_used_for_real_videos():
    point = torch.tensor([0.3, -0.2, 2.5])
    image = to_image(point.view(1, 1, 1, 3), torch.tensor([0.8]))[0, 0, 0]
    pixel = project(point.double().numpy(), 1000, 600, 800.0)
    np.testing.assert_allclose(image.numpy() * 1000 + [500, 300], pixel, rtol=1e-5)
