"""Archives written in pieces: what numpy reads, byte for byte the same each time."""

import zipfile
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from core.errors import ResultInvalid
from core.results.npz import pack_arrays, read_arrays, write_member

any_array = arrays.arrays(
    st.sampled_from(["<f4", "<f8", "<i8", "?", "<U5"]), arrays.array_shapes(min_dims=0, min_side=0)
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "longer_name", "x" * 40]), any_array))
def test_numpy_and_we_read_what_was_written(content):
    packed = pack_arrays(content)
    with np.load(BytesIO(packed), allow_pickle=False) as loaded:
        by_numpy = dict(loaded)
    by_us = read_arrays(packed)
    assert list(by_numpy) == list(by_us) == list(content)
    for name, array in content.items():
        for read in (by_numpy[name], by_us[name]):
            assert (read.dtype, read.shape) == (array.dtype, array.shape)
            np.testing.assert_array_equal(read, array)
    assert pack_arrays(content) == packed


def test_stored_arrays_are_aligned_read_only_views(tmp_path):
    path = tmp_path / "a.npz"
    content = {"mask": np.ones(3, bool), "values": np.arange(1000.0), "more": np.arange(7)}
    path.write_bytes(pack_arrays(content))
    for name, array in read_arrays(path).items():
        np.testing.assert_array_equal(array, content[name])
        assert array.ctypes.data % 64 == 0
        assert not array.flags.writeable
        assert not array.flags.owndata


def test_compressed_archives_are_read_too(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", values=np.arange(5), text=np.array("hello"))
    found = read_arrays(tmp_path / "a.npz")
    np.testing.assert_array_equal(found["values"], np.arange(5))
    assert str(found["text"]) == "hello"


def test_blocks_must_fill_the_shape():
    with zipfile.ZipFile(BytesIO(), "w") as archive:
        write_member(archive, "a", np.dtype("<f4"), (2, 2), [b"1234", b"5678" * 3])
        with pytest.raises(ValueError, match="12 bytes instead of 16"):
            write_member(archive, "b", np.dtype("<f4"), (2, 2), [b"1234" * 3])


def test_pickles_are_not_read():
    file = BytesIO()
    np.savez(file, evil=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ResultInvalid):
        read_arrays(file.getvalue())


def test_a_shape_larger_than_the_file():
    packed = pack_arrays({"a": np.zeros(8)})
    lie = packed.replace(b"'shape': (8,)", b"'shape': (9,)")
    assert lie != packed
    with pytest.raises(ResultInvalid):
        read_arrays(lie)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\0" * 1000])
def test_no_archive(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    for source in (content, tmp_path / "a.npz"):
        with pytest.raises(ResultInvalid):
            read_arrays(source)


def test_no_file(tmp_path):
    with pytest.raises(ResultInvalid, match=r"no file .*missing\.npz"):
        read_arrays(tmp_path / "missing.npz")


@settings(max_examples=300, deadline=None)
@given(st.integers(0), st.integers(0, 255), st.integers(0))
def test_any_damage_ends_in_arrays_or_a_coded_error(place, value, cut):
    packed = bytearray(pack_arrays({"a": np.arange(20.0), "b": np.array("text")}))
    packed[place % len(packed)] = value
    for content in (bytes(packed), bytes(packed[: cut % len(packed)])):
        try:
            found = read_arrays(content)
        except ResultInvalid:
            continue
        assert all(isinstance(array, np.ndarray) for array in found.values())
