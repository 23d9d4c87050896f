from dataclasses import replace

import numpy as np

from core.training.formats.mpi_inf import read_combined
from core.training.normalisation import save_normalisation
from tests.core.training.format_files import write_combined


def saved(path, *sequences):
    save_normalisation(path, sequences)
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def test_mean_and_spread_are_those_of_the_files_own_numbers(tmp_path):
    path = write_combined(tmp_path / "combined.npz", frames=20)
    sequence = read_combined(path)
    fields = saved(tmp_path / "n.npz", sequence)
    with np.load(path) as file:
        for name in ("pose2d", "pose3d"):
            values = file[name].astype(np.float64)
            np.testing.assert_allclose(fields[f"{name}_mean"], values.mean(0), rtol=1e-5)
            np.testing.assert_allclose(
                fields[f"{name}_std"], np.maximum(values.std(0), 1e-6), rtol=1e-3, atol=1e-3
            )
    assert fields["frames"] == 20


def test_numbers_can_go_there_and_back_even_where_nothing_moves(tmp_path):
    sequence = read_combined(write_combined(tmp_path / "combined.npz", frames=5))
    still = replace(
        sequence,
        joints_m=np.repeat(sequence.joints_m[:1], 5, 0),
        keypoints_px=np.repeat(sequence.keypoints_px[:1], 5, 0),
    )
    fields = saved(tmp_path / "n.npz", still)
    normal = (1000 * still.joints_m - fields["pose3d_mean"]) / fields["pose3d_std"]
    assert np.isfinite(normal).all()
    back = normal * fields["pose3d_std"] + fields["pose3d_mean"]
    np.testing.assert_allclose(back, 1000 * still.joints_m, rtol=1e-6)


def test_unknown_keypoints_do_not_count(tmp_path):
    sequence = read_combined(write_combined(tmp_path / "combined.npz", frames=5))
    pixels = sequence.keypoints_px.copy()
    pixels[2:] = np.nan
    pixels[:, 3] = np.nan
    fields = saved(tmp_path / "n.npz", replace(sequence, keypoints_px=pixels))
    assert np.isnan(fields["pose2d_mean"][3]).all()
    np.testing.assert_allclose(
        fields["pose2d_mean"][4], sequence.keypoints_px[:2, 4].mean(0), rtol=1e-6
    )
