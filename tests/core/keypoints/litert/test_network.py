"""One graph, many threads."""

import zipfile
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from core.assets.bundle import DETECTOR_MEMBER
from core.errors import AssetCorrupt
from core.keypoints.blazepose.networks import DETECTOR_OUTPUTS
from core.keypoints.litert.network import LiteNetwork
from core.keypoints.litert.networks import LiteNetworks

pytestmark = pytest.mark.assets


@pytest.fixture(scope="module")
def stored(full_bundle):
    with zipfile.ZipFile(full_bundle) as members:
        return members.read(DETECTOR_MEMBER)


def test_threads_side_by_side_do_not_mix(stored):
    network = LiteNetwork(stored, DETECTOR_OUTPUTS, black=-1.0)
    pictures = np.random.default_rng(2).integers(0, 256, (2, 224, 224, 3), np.uint8)

    def look(picture):
        return network(picture, lambda guesses, _: guesses.copy())

    alone = [look(picture) for picture in pictures]
    together = Barrier(2)

    def look_again(place):
        together.wait()
        return [look(pictures[place]) for _ in range(3)]

    with ThreadPoolExecutor(2) as threads:
        for place, seen in enumerate(threads.map(look_again, range(2))):
            for one in seen:
                np.testing.assert_array_equal(one, alone[place])
    assert not np.array_equal(*alone)


def test_threads_find_what_was_rehearsed_for_them(stored):
    network = LiteNetwork(stored, DETECTOR_OUTPUTS, black=-1.0)
    network.rehearse(3)
    loaded = set(network._idle)
    picture, together = np.zeros((224, 224, 3), np.uint8), Barrier(3)
    with ThreadPoolExecutor(3) as threads:
        for _ in threads.map(lambda _: network(picture, lambda *_: together.wait(5)), range(3)):
            pass
    assert set(network._idle) == loaded
    assert len(loaded) == 3


def test_black_is_what_the_network_calls_black(stored):
    """The detector was trained on -1 to 1."""
    network = LiteNetwork(stored, DETECTOR_OUTPUTS, black=-1.0)
    runner = network._idle[0]
    network(np.full((224, 224, 3), 255, np.uint8), lambda *_: None)
    np.testing.assert_allclose(runner._input(), 1.0, atol=1e-6)
    network(np.zeros((224, 224, 3), np.uint8), lambda *_: None)
    np.testing.assert_array_equal(runner._input(), -1.0)


def test_what_is_no_network_or_another(stored):
    with pytest.raises(AssetCorrupt, match="cannot load"):
        LiteNetwork(b"no network", DETECTOR_OUTPUTS)
    with pytest.raises(AssetCorrupt, match=r"no output of shape \(1, 5\)"):
        LiteNetwork(stored, ((1, 5),))


def test_a_bundle_that_holds_something_else(tmp_path):
    (tmp_path / "mine.task").write_bytes(b"no bundle")
    with pytest.raises(AssetCorrupt, match=r"mine\.task"):
        LiteNetworks.load(tmp_path / "mine.task")


def test_start_up_is_silent(full_bundle, capfd):
    LiteNetworks.load(full_bundle).detect(np.zeros((64, 64, 3), np.uint8))
    assert capfd.readouterr().err == ""
