import json
import sys

import numpy as np
import onnx
import pytest

from core.errors import ExtraMissing
from core.export.description import DESCRIPTION_KEY, describe
from core.export.exportable import INPUTS, OUTPUTS
from core.export.onnx_file import OPSET, onnx_file
from core.skeleton import BODY, KEYPOINT_NAMES
from tests.core.export.lifters import CONFIGS, tiny


def shape(entry):
    return [axis.dim_param or axis.dim_value for axis in entry.type.tensor_type.shape.dim]


@pytest.mark.parametrize("kind", CONFIGS)
def test_inputs_and_outputs_are_the_same_for_every_lifter(kind):
    """Also for one that reads no hints: who calls it need not know."""
    lifter = tiny(kind)
    model = onnx.load_model_from_string(onnx_file(lifter.model, describe(lifter)))
    assert {entry.name: shape(entry) for entry in model.graph.input} == {
        name: ["batch", "frames", *rest] for name, rest in INPUTS.items()
    }
    assert [entry.name for entry in model.graph.output] == list(OUTPUTS)
    assert shape(model.graph.output[0]) == ["batch", "frames", 28, 3]
    assert shape(model.graph.output[1]) == ["batch", "frames", 28]
    assert model.opset_import[0].version == OPSET


def test_the_file_says_what_it_is(onnx_content, loaded):
    model = onnx.load_model_from_string(onnx_content)
    (entry,) = model.metadata_props
    assert entry.key == DESCRIPTION_KEY
    about = json.loads(entry.value)
    assert (about["name"], about["sha256"]) == ("tiny", "5" * 64)
    assert about["config"] == loaded.config.to_dict()
    assert about["keypoint_names"] == list(KEYPOINT_NAMES)
    assert about["joint_names"] == list(BODY.names)
    assert about["parents"] == list(BODY.parents)
    assert (about["units"], about["origin"]) == ("m", "pelvis")
    assert about["meaning"].keys() == {*INPUTS, *OUTPUTS}


def test_equal_lifters_give_equal_files(onnx_content, loaded):
    assert onnx_file(loaded.model, describe(loaded)) == onnx_content


def test_the_weights_are_inside(onnx_content, loaded):
    model = onnx.load_model_from_string(onnx_content)
    stored = [onnx.numpy_helper.to_array(weight) for weight in model.graph.initializer]
    head = loaded.model.head_weight.numpy()
    assert any(array.shape == head.shape and np.array_equal(array, head) for array in stored)


def test_a_missing_package_is_named_with_its_cure(loaded, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ExtraMissing, match=r"poselift\[export\]"):
        onnx_file(loaded.model, describe(loaded))
