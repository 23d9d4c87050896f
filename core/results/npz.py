"""Writing and reading ``.npz`` archives piece by piece, without holding whole arrays.

An ``.npz`` is a zip of ``.npy`` files. Ours are stored, not compressed, at offsets divisible by 64,
so that a reader can map them into memory; dates are fixed, so that equal content gives equal bytes.
"""

import math
import mmap
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ResultInvalid

_ALIGNMENT = 64
_PADDING_ID = 0xD935  # the zip extra field that Android's zipalign uses for the same purpose
_ZIP64_EXTRA_BYTES = 20
_LOCAL_HEADER_BYTES = 30
_MAX_HEADER_BYTES = 1 << 16
_READ_HEADER = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    OSError,
    EOFError,
    KeyError,
    RuntimeError,  # encrypted, or an unknown compression
    struct.error,
)


def write_member(
    archive: zipfile.ZipFile,
    name: str,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    blocks: Iterable[bytes],
) -> None:
    """Append one array, whose bytes in C order come in blocks.

    Raises:
        ValueError: the blocks hold more or less than the shape says.
    """
    member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
    member.create_system = 3  # by default it differs between systems
    member.extra = _padding(archive, member.filename)
    expected_bytes = math.prod(shape) * dtype.itemsize
    written_bytes = 0
    with archive.open(member, "w", force_zip64=True) as file:
        header = {
            "descr": np.lib.format.dtype_to_descr(dtype),
            "fortran_order": False,
            "shape": shape,
        }
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            written_bytes += file.write(block)
    if written_bytes != expected_bytes:
        raise ValueError(f"{name} has {written_bytes} bytes instead of {expected_bytes}")


def write_array(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    """Append one array that is in memory."""
    write_member(archive, name, array.dtype, array.shape, [np.ascontiguousarray(array).tobytes()])


def pack_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """A whole archive of arrays that are in memory."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            write_array(archive, name, array)
    return file.getvalue()


def read_arrays(source: Path | bytes) -> dict[str, np.ndarray]:
    """All arrays of an archive, by name; read-only.

    Stored arrays are views of the file itself: they take memory only where they are looked at. An
    archive that was compressed by somebody else is read as well, into memory.

    Raises:
        ResultInvalid: no archive of arrays, or damaged.
    """
    try:
        content = source if isinstance(source, bytes) else _mapped(source)
        with zipfile.ZipFile(source if isinstance(source, Path) else BytesIO(source)) as archive:
            return dict(_members(archive, content))
    except FileNotFoundError:
        raise ResultInvalid(f"There is no file {source}.") from None
    except _UNREADABLE as error:
        raise ResultInvalid(
            "The file cannot be read as .npz: it is damaged or something else."
        ) from error


def _members(
    archive: zipfile.ZipFile, content: bytes | mmap.mmap
) -> Iterator[tuple[str, np.ndarray]]:
    for member in archive.infolist():
        if member.compress_type == zipfile.ZIP_STORED:
            array = _view(archive, member, content)
        else:
            with archive.open(member) as file:
                array = np.lib.format.read_array(file, max_header_size=_MAX_HEADER_BYTES)
        array.setflags(write=False)
        yield member.filename.removesuffix(".npy"), array


def _view(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, content: bytes | mmap.mmap
) -> np.ndarray:
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read_header = _READ_HEADER.get(version)
        if read_header is None:
            raise ValueError(f"unknown .npy version {version}")
        shape, fortran_order, dtype = read_header(file, max_header_size=_MAX_HEADER_BYTES)
        header_bytes = file.tell()
    if dtype.hasobject:
        raise ValueError("pickled objects are not read")
    count = math.prod(shape)
    if count == 0:
        return np.empty(shape, dtype)
    start = _content_offset(member, content) + header_bytes
    if header_bytes + count * dtype.itemsize > member.file_size:
        raise ValueError(f"{member.filename} is shorter than its header says")
    flat = np.frombuffer(content, dtype, count, start)
    return flat.reshape(shape, order="F" if fortran_order else "C")


def _content_offset(member: zipfile.ZipInfo, content: bytes | mmap.mmap) -> int:
    # The local header repeats name and extra field, and its extra field may differ in length.
    lengths = content[member.header_offset + 26 : member.header_offset + _LOCAL_HEADER_BYTES]
    return member.header_offset + _LOCAL_HEADER_BYTES + sum(struct.unpack("<HH", lengths))


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _padding(archive: zipfile.ZipFile, filename: str) -> bytes:
    """An extra field that makes the member's content start at a multiple of 64."""
    fixed_bytes = _LOCAL_HEADER_BYTES + len(filename) + _ZIP64_EXTRA_BYTES + 6
    padding_bytes = -(archive.start_dir + fixed_bytes) % _ALIGNMENT
    return struct.pack("<HHH", _PADDING_ID, 2 + padding_bytes, _ALIGNMENT) + bytes(padding_bytes)
