"""MATLAB files of both kinds: version 5 through scipy, version 7.3 (HDF5) through h5py.

Both packages are optional (``pip install 'poselift[datasets]'``): lifting never needs them.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import DatasetInvalid

_HDF5_MARK = b"\x89HDF\r\n\x1a\n"
_HDF5_PLACES = (0, 512)  # MATLAB puts 512 bytes of its own before the HDF5 part


def read_mat(path: Path) -> dict[str, Any]:
    """The variables of a ``.mat`` file.

    Cells of a version 5 file come as object arrays, axes as MATLAB has them. Of a version 7.3 file
    only numeric variables are read, with their axes in reverse, as HDF5 lays them out.

    Raises:
        DatasetInvalid: the file cannot be read, or the package that reads it is not installed.
    """
    try:
        with path.open("rb") as file:
            head = file.read(520)
    except OSError as error:
        raise DatasetInvalid(f"Cannot read '{path}': {error.strerror}.") from None
    is_hdf5 = any(head[place : place + 8] == _HDF5_MARK for place in _HDF5_PLACES)
    reader = _package("h5py" if is_hdf5 else "scipy.io", path)
    try:
        return _read_hdf5(reader, path) if is_hdf5 else reader.loadmat(path)
    except Exception as error:  # the readers let through whatever a damaged file provokes
        raise DatasetInvalid(f"'{path.name}' is not a readable .mat file: {error}.") from None


def _package(name: str, path: Path) -> Any:  # noqa: ANN401  neither need be installed
    try:
        return import_module(name)
    except ImportError:
        raise DatasetInvalid(
            f"Reading '{path.name}' needs the package {name.partition('.')[0]}, which is "
            "optional: pip install 'poselift[datasets]'."
        ) from None


def _read_hdf5(h5py: Any, path: Path) -> dict[str, Any]:  # noqa: ANN401
    with h5py.File(path, "r") as file:
        return {
            name: np.asarray(entry)
            for name, entry in file.items()
            if isinstance(entry, h5py.Dataset) and entry.dtype.kind in "fiu"
        }
