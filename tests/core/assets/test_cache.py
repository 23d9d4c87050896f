"""Files in the cache are trusted for as long as nothing has touched them."""

import hashlib
import os

import pytest

from core.assets.cache import is_sound, store, verify

CONTENT = b"weights" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "assets" / "network.tflite"
    store(path, CONTENT)
    return path


def test_a_stored_file_is_sound(path):
    assert path.read_bytes() == CONTENT
    assert is_sound(path)
    assert is_sound(path, SHA256)


def test_a_missing_file_is_not(tmp_path):
    assert not is_sound(tmp_path / "nothing", SHA256)
    assert not is_sound(tmp_path / "nothing")


def test_a_changed_file_is_not_even_if_its_size_is_the_same(path):
    path.write_bytes(CONTENT[:-1] + b"!")
    assert not is_sound(path)
    assert not is_sound(path, SHA256)


def test_another_hash_than_the_stored_one_is_not_sound(path):
    assert not is_sound(path, "0" * 64)


def test_a_verified_file_is_not_hashed_again(path):
    """Seen from outside: a change that keeps size and time goes unnoticed, except by `verify`."""
    facts = path.stat()
    path.write_bytes(CONTENT[:-1] + b"!")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert is_sound(path, SHA256)
    assert not verify(path, SHA256)


def test_a_lost_or_broken_stamp_costs_one_hash(path):
    stamp = path.with_name("network.tflite.verified")
    for content in (b"", b"not json", b"[1, 2]"):
        stamp.write_bytes(content)
        assert is_sound(path, SHA256)
        assert SHA256 in stamp.read_text()
    stamp.unlink()
    assert is_sound(path, SHA256)
    assert stamp.exists()


def test_a_copied_cache_is_sound(path):
    os.utime(path, (1e9, 1e9))
    assert is_sound(path)


def test_nothing_partial_is_left_behind(path):
    assert sorted(p.name for p in path.parent.iterdir()) == [
        "network.tflite",
        "network.tflite.verified",
    ]
