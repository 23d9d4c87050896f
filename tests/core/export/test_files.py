import dataclasses
import json

import onnx
import pytest

from core.errors import ExportInexact, OutputExists
from core.export.files import ExportFormat, export_lifter
from core.export.onnx_lifter import OnnxLifter
from core.export.parity import MOST_DIFFERENCE_M, cases, measure_parity
from core.models import Lifter
from core.models.mirror import MirrorAveraged


@pytest.mark.parametrize("kind", ExportFormat)
def test_a_file_is_written_whole_and_proven(loaded, kind, tmp_path):
    path = tmp_path / "new" / f"a{kind.suffix}"
    exported = export_lifter(loaded, kind, path)
    assert exported.size_bytes == path.stat().st_size > 100_000
    assert exported.parity == measure_parity(loaded.model, exported.lifter)
    assert exported.parity.holds
    assert list(path.parent.iterdir()) == [path]


def test_mirror_averaging_is_exported_and_said(loaded, tmp_path):
    path = tmp_path / "a.onnx"
    export_lifter(loaded, ExportFormat.ONNX, path, mirror_averaged=True)
    windows = cases()["gaps"]
    found = OnnxLifter(path.read_bytes())(*windows).joints_m
    averaged, plain = MirrorAveraged(loaded.model)(*windows), loaded.model(*windows)
    assert (found - averaged.joints_m).abs().amax() < MOST_DIFFERENCE_M
    assert (found - plain.joints_m).abs().amax() > 10 * MOST_DIFFERENCE_M
    (entry,) = onnx.load(path).metadata_props
    assert json.loads(entry.value)["mirror_averaged"]


def test_nothing_is_written_over_unasked(loaded, tmp_path):
    path = tmp_path / "a.pt"
    path.write_bytes(b"mine")
    with pytest.raises(OutputExists, match="--force"):
        export_lifter(loaded, ExportFormat.TORCHSCRIPT, path)
    assert path.read_bytes() == b"mine"
    export_lifter(loaded, ExportFormat.TORCHSCRIPT, path, overwrite=True)
    assert path.stat().st_size > 100_000


class Restless(Lifter):
    """Its answers depend on what was asked before: no file can hold that."""

    asked = 0

    def forward(self, *windows):
        self.asked += 1
        pose = super().forward(*windows)
        return pose._replace(joints_m=pose.joints_m + 1e-3 * self.asked)


def test_what_differs_from_the_original_is_not_written(loaded, tmp_path):
    restless = dataclasses.replace(loaded, model=Restless(loaded.config))
    with pytest.raises(ExportInexact, match=r"differs from the original by \d.\de-0[23] m"):
        export_lifter(restless, ExportFormat.TORCHSCRIPT, tmp_path / "a.pt")
    assert list(tmp_path.iterdir()) == []
