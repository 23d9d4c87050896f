"""Lifters on disk: safetensors, with everything needed to rebuild the network in the header.

A ``.safetensors`` file holds numbers and text and can run no code. The header says which schema
and skeleton the weights were made for, so that a file of another kind is refused in words.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save

from core.errors import CheckpointInvalid, ConfigInvalid
from core.models import Lifter, LifterConfig
from core.regions import SigmaRegions
from core.skeleton import BODY, KEYPOINT_NAMES

SCHEMA_VERSION = 1
PACKAGED_WEIGHTS = Path(__file__).parent / "weights" / "base.safetensors"
_HEADER_KEY = "poselift"
# What a config or weights raise that are not what they should be.
_UNFIT = (ConfigInvalid, SafetensorError, RuntimeError, KeyError, TypeError, ValueError)


@dataclass(frozen=True)
class LoadedLifter:
    """A network ready to lift, and which one it is.

    Attributes:
        model: on the CPU, in evaluation mode, gradients off.
        config: what it is made of.
        name: given at training.
        sha256: of the file, in hex; goes into every result's manifest.
        regions: what its sigma promises, as measured; None before `poselift calibrate`.
    """

    model: Lifter
    config: LifterConfig
    name: str
    sha256: str
    regions: SigmaRegions | None = None


def skeleton_digest() -> str:
    """Short hash over the names and parents that the weights are tied to."""
    spelled = json.dumps([KEYPOINT_NAMES, BODY.names, BODY.parents])
    return hashlib.sha256(spelled.encode()).hexdigest()[:16]


def save_lifter(path: Path, model: Lifter, name: str, regions: SigmaRegions | None = None) -> str:
    """Write a checkpoint, renamed into place when whole.

    Args:
        path: of the file.
        model: its weights and config are saved.
        name: of the lifter.
        regions: what its sigma promises, if that was measured.

    Returns:
        The SHA-256 of the file, in hex.
    """
    header = {
        "schema": SCHEMA_VERSION,
        "name": name,
        "skeleton": skeleton_digest(),
        "config": model.config.to_dict(),
    }
    if regions is not None:
        header["regions"] = regions.to_dict()
    weights = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    raw = save(weights, metadata={_HEADER_KEY: json.dumps(header)})
    partial = path.with_suffix(".partial")
    partial.write_bytes(raw)
    partial.replace(path)
    return hashlib.sha256(raw).hexdigest()


def load_lifter(path: Path | None = None) -> LoadedLifter:
    """Read a checkpoint.

    Args:
        path: of a file, or the bare name of packaged weights (``base`` or ``small``); ``base`` if
            None.

    Raises:
        CheckpointInvalid: the file is missing, damaged, not one of ours, or made for another
            schema or skeleton; says which.
    """
    path = _packaged(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CheckpointInvalid(f"Cannot read the checkpoint '{path}': {error.strerror}.") from None
    header = _header(raw, path.name)
    if header.get("schema") != SCHEMA_VERSION:
        raise CheckpointInvalid(
            f"'{path.name}' has schema version {header.get('schema')}, and this release reads "
            f"version {SCHEMA_VERSION}: use the release it was trained with, or train it again."
        )
    if header.get("skeleton") != skeleton_digest():
        raise CheckpointInvalid(
            f"'{path.name}' was trained for another skeleton or other keypoints than the "
            f"{len(KEYPOINT_NAMES)} keypoints and {len(BODY)} joints used here."
        )
    try:
        config = LifterConfig.from_dict(header["config"])
        model = Lifter(config)
        model.load_state_dict(load(raw))
        regions = SigmaRegions.from_dict(header["regions"]) if "regions" in header else None
    except _UNFIT as error:
        reason = str(error).splitlines()[0]
        raise CheckpointInvalid(f"The weights in '{path.name}' do not fit: {reason}") from None
    model.eval().requires_grad_(requires_grad=False)
    digest = hashlib.sha256(raw).hexdigest()
    name = str(header.get("name", path.stem))
    return LoadedLifter(model, config, name, digest, regions)


def _packaged(path: Path | None) -> Path:
    if path is None:
        return PACKAGED_WEIGHTS
    named = PACKAGED_WEIGHTS.with_stem(path.name)
    return named if path.parts == (path.stem,) and not path.exists() and named.exists() else path


def _header(raw: bytes, name: str) -> dict[str, Any]:
    """Our part of the safetensors header.

    The format: eight bytes little-endian length, then that many bytes of JSON.
    Source: https://github.com/huggingface/safetensors#format
    """
    try:
        length = int.from_bytes(raw[:8], "little")
        if length > len(raw) - 8:
            raise ValueError("the file is cut off")
        metadata = json.loads(raw[8 : 8 + length])["__metadata__"]
        header = json.loads(metadata[_HEADER_KEY])
        if not isinstance(header, dict):
            raise TypeError("the header is no mapping")
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointInvalid(
            f"'{name}' is damaged or not a PoseLift checkpoint ({type(error).__name__}: {error})."
        ) from None
    return header
