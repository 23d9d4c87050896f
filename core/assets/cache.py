"""The folder in which fetched and assembled files are kept, and how we know they are sound.

Hashing 30 MB at every start would cost more than reading them. So a file that was verified once
leaves a small stamp beside it: its hash, and the size and modification time it had. As long as
those agree the file is taken as sound; otherwise it is hashed again.
"""

import hashlib
import json
import os
from pathlib import Path

from core.assets.manifest import Asset


def default_cache_folder() -> Path:
    """Where fetched files live unless the user says otherwise."""
    return Path.home() / ".cache" / "poselift"


def cached_path(cache_folder: Path, asset: Asset) -> Path:
    """Where the asset is, or will be once it has been fetched."""
    return cache_folder / "assets" / asset.name


def is_cached(cache_folder: Path, asset: Asset) -> bool:
    """Whether the asset is here and is the file the manifest describes."""
    return is_sound(cached_path(cache_folder, asset), asset.sha256)


def is_sound(path: Path, sha256: str | None = None) -> bool:
    """Whether a file still is what it was when it was stored; hashes it only when in doubt.

    Args:
        path: a file that was written by :func:`store`; if it is missing, the answer is no.
        sha256: what its hash has to be; by default the hash it had when it was stored.
    """
    facts = _file_facts(path)
    if facts is None:
        return False
    stamp = _read_stamp(path)
    expected = sha256 or str(stamp.get("sha256"))
    return stamp == {"sha256": expected, **facts} or verify(path, expected)


def verify(path: Path, sha256: str) -> bool:
    """Hash the file whatever its stamp says; leaves a fresh stamp if it is right."""
    facts = _file_facts(path)
    if facts is None:
        return False
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual == sha256:
        _write_stamp(path, sha256)
    return actual == sha256


def store(path: Path, content: bytes) -> None:
    """Write a file so that no reader ever sees half of it, and stamp it as verified.

    Raises:
        OSError: the folder cannot be written, or is full.
    """
    _replace(path, content)
    _write_stamp(path, hashlib.sha256(content).hexdigest())


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _file_facts(path: Path) -> dict[str, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return {"size_bytes": facts.st_size, "modified_ns": facts.st_mtime_ns}


def _stamp_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.verified")


def _read_stamp(path: Path) -> dict[str, str | int]:
    try:
        stamp = json.loads(_stamp_path(path).read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _write_stamp(path: Path, sha256: str) -> None:
    """Remember that the file was verified; a read-only cache just gets hashed every time."""
    facts = _file_facts(path)
    try:
        _replace(_stamp_path(path), json.dumps({"sha256": sha256, **(facts or {})}).encode())
    except OSError:
        return
