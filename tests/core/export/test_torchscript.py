import io
import json
import zipfile
from pathlib import Path

import pytest
import torch

from core.export.description import DESCRIPTION_KEY, describe
from core.export.exportable import INPUTS, example_inputs, quiet_tracing
from core.export.torchscript import TorchScriptLifter, torchscript_file
from core.skeleton import BODY
from tests.core.export.lifters import CONFIGS, tiny

TIED = "Device = prim::Constant"


def test_the_file_says_what_it_is(torchscript_content, loaded):
    files = {DESCRIPTION_KEY: ""}
    with quiet_tracing():
        torch.jit.load(io.BytesIO(torchscript_content), _extra_files=files)
    about = json.loads(files[DESCRIPTION_KEY])
    assert (about["name"], about["sha256"]) == ("tiny", "5" * 64)
    assert about["config"] == loaded.config.to_dict()
    assert about["joint_names"] == list(BODY.names)


def test_no_folder_of_this_machine_is_in_the_file(torchscript_content):
    here = str(Path(__file__).parents[3]).encode()
    with zipfile.ZipFile(io.BytesIO(torchscript_content)) as archive:
        assert not [name for name in archive.namelist() if here in archive.read(name)]


@pytest.mark.parametrize("kind", CONFIGS)
def test_nothing_is_tied_to_the_device_it_was_traced_on(kind):
    """Else `torch.jit.load(..., map_location="cuda")` gives a network that fails."""
    lifter = tiny(kind)
    content = torchscript_file(lifter.model, describe(lifter))
    assert TIED not in str(TorchScriptLifter(content).script.inlined_graph)


def test_tracing_alone_would_tie_it(loaded):

    class Plain(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.lifter = loaded.model

        def forward(self, rays, confidence, time_s, hint_m):
            return tuple(self.lifter(rays, confidence, time_s, hint_m))

    with quiet_tracing():
        plain = torch.jit.trace(Plain(), example_inputs(), check_trace=False)
    assert TIED in str(plain.inlined_graph)


def test_the_script_takes_the_named_inputs(torchscript_content):
    schema = TorchScriptLifter(torchscript_content).script.forward.schema
    assert [argument.name for argument in schema.arguments] == ["self", *INPUTS]
