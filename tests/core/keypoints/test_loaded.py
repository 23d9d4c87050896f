"""Networks are loaded once, whoever asks, and again only if loading them failed."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from core.contracts import PoseModel
from core.errors import AssetUnavailable
from core.keypoints.loaded import LoadedNetworks


def test_those_who_ask_at_once_get_the_same_networks():
    loaded, together = [], Barrier(8)

    def load(bundle):
        loaded.append(bundle)
        return object()

    networks = LoadedNetworks(lambda model: Path(model.value), load)

    def ask(model):
        together.wait()
        return networks[model]

    models = [PoseModel.FULL, PoseModel.LITE] * 4
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, models))
    assert sorted(loaded) == [Path("full"), Path("lite")]
    assert len({id(one) for one in found}) == 2
    assert found[0] is found[2] is networks[PoseModel.FULL]
    networks.clear()
    assert networks[PoseModel.FULL] is not found[0]


def test_what_could_not_be_fetched_is_tried_again():
    answers = [AssetUnavailable("offline"), Path("bundle")]

    def bundle_of(model):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    networks = LoadedNetworks(bundle_of, str)
    with pytest.raises(AssetUnavailable, match="offline"):
        networks[PoseModel.FULL]
    assert networks[PoseModel.FULL] == networks[PoseModel.FULL] == "bundle"
