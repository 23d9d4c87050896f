"""Dictionaries inside ``.npz`` files, read without trusting them.

VideoPose3D's files hold Python dictionaries, which numpy writes as pickles, and a pickle may call
any function while it loads: ``allow_pickle=True`` would run what a stranger's file says. Here a
pickle may rebuild numpy arrays and plain containers, and nothing else: every other name in it is
refused before it is looked up.

Source: Python documentation, "Restricting Globals" in the chapter on pickle.
"""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from core.errors import DatasetInvalid

_ADMITTED = {
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),  # how protocol 2 writes bytes
}
"""Whatever pickled numpy arrays of any protocol call for."""


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401  as its base has it
        if module.startswith("numpy.core."):  # as numpy called it before its version 2
            module = module.replace("numpy.core.", "numpy._core.", 1)
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no dataset needs")
        return super().find_class(module, name)


def read_object(path: Path, field: str) -> object:
    """The one Python object in a field of an ``.npz`` file.

    Raises:
        DatasetInvalid: the file cannot be read, lacks the field, or holds more than arrays and
            plain containers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(archive, field)
    except KeyError:
        raise DatasetInvalid(f"'{path.name}' has no field '{field}'.") from None
    except pickle.UnpicklingError as error:
        raise DatasetInvalid(f"'{path.name}' is refused: {error}.") from None
    except OSError as error:
        raise DatasetInvalid(f"Cannot read '{path}': {error.strerror or error}.") from None
    except Exception as error:  # a damaged pickle may provoke anything
        raise DatasetInvalid(f"Cannot read '{path.name}': {error}.") from None


def _read(archive: zipfile.ZipFile, field: str) -> object:
    with archive.open(f"{field}.npy") as file:
        version = npy.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"array format {version} is not known")
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        _, _, dtype = read_header(file)
        if not dtype.hasobject:
            raise ValueError("the field holds plain numbers where a dictionary belongs")
        array = _ArraysOnly(file).load()
    if not isinstance(array, np.ndarray) or array.shape != ():
        raise ValueError("the field does not hold one dictionary")
    return array.item()
