import threading

import pytest
import torch

from core.training.draw_ahead import batches_from, dice_of_step
from core.training.motion import load_motion
from core.training.sampler import Batch, Difficulty
from core.training.sources import MotionSource, WindowMix
from tests.core.training.motion_files import write_motion


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    library = load_motion(write_motion(tmp_path_factory.mktemp("motion") / "motion.npz"))
    return MotionSource(library, Difficulty(), WindowMix({1: 0.5, 9: 0.5}, 18))


def take(source, count, **changes):
    with batches_from(source, **changes) as batches:
        return [next(batches) for _ in range(count)]


def assert_equal(one: Batch, other: Batch):
    for mine, theirs in zip(one, other, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_draw_what_one_alone_would(source, threads):
    alone = take(source, 6, seed=5, step=0, threads=0)
    ahead = take(source, 6, seed=5, step=0, threads=threads)
    for one, other in zip(alone, ahead, strict=True):
        assert_equal(one, other)


def test_a_later_start_goes_on_with_the_same_batches(source):
    whole = take(source, 5, seed=5, step=0, threads=1)
    rest = take(source, 2, seed=5, step=3, threads=1)
    for one, other in zip(whole[3:], rest, strict=True):
        assert_equal(one, other)
    assert len({float(each.joints_m.sum()) for each in whole}) == 5


def test_seeds_and_steps_throw_different_dice():
    throws = {
        float(dice_of_step(seed, step).uniform((1,))) for seed in range(5) for step in range(5)
    }
    assert len(throws) == 25


def test_the_number_of_threads_of_the_caller_stays_and_the_drawers_end(source):
    torch.set_num_threads(2)
    for threads in (0, 2):
        take(source, 2, seed=0, step=0, threads=threads)
        assert torch.get_num_threads() == 2
    assert not [each for each in threading.enumerate() if each.name.startswith("draw")]


class Broken:
    """Has a frame that cannot be read."""

    steps_per_epoch = None

    def __init__(self, source):
        self.source = source

    def draw(self, dice, step):
        if step == 2:
            raise ValueError("no such frame")
        return self.source.draw(dice, step)


@pytest.mark.parametrize("threads", [0, 1])
def test_an_error_while_drawing_arrives_where_the_batch_is_needed(source, threads):
    with batches_from(Broken(source), seed=0, step=0, threads=threads) as batches:
        next(batches)
        next(batches)
        with pytest.raises(ValueError, match="no such frame"):
            next(batches)
