"""Assembles the bundle that MediaPipe Tasks loads, from the two bare networks.

A ``.task`` file is an uncompressed zip with a person detector and a landmark network.
"""

import io
import zipfile
from pathlib import Path

from core.assets.cache import is_sound, store
from core.assets.fetching import exclusive, fetch
from core.assets.landmark_network import prepare_landmark_network
from core.assets.manifest import pose_assets
from core.assets.packages import FetchProgress, OnProgress, no_progress
from core.contracts import PoseModel
from core.errors import AssetCorrupt, AssetUnavailable

DETECTOR_MEMBER = "pose_detector.tflite"
LANDMARKS_MEMBER = "pose_landmarks_detector.tflite"

_FORMAT_VERSION = 1
"""Counts up whenever assembling changes, so that bundles of older releases are left alone."""
# Networks are mapped from the file as they lie there, and weights have to be aligned in memory.
_ALIGNMENT_BYTES = 64
_LOCAL_HEADER_BYTES = 30
_EXTRA_HEADER_BYTES = 4
_PADDING_FIELD = b"\xfe\xca"
_LONGEST_AGO = (1980, 1, 1, 0, 0, 0)
_TFLITE_IDENTIFIER = b"TFL3"


def pose_bundle(
    cache_folder: Path, pose_model: PoseModel, on_progress: OnProgress = no_progress
) -> Path:
    """The bundle of a pose model; fetched and assembled on first use.

    Args:
        cache_folder: where fetched files and bundles are kept.
        pose_model: which landmark network.
        on_progress: told about downloads.

    Returns:
        Path of a sound ``.task`` file.

    Raises:
        AssetUnavailable: offline, or the cache cannot be written.
        AssetCorrupt: a package holds other files than we know.
    """
    path = cache_folder / "bundles" / f"pose_{pose_model}.v{_FORMAT_VERSION}.task"
    if is_sound(path):
        return path
    detector, landmarks = fetch(pose_assets(pose_model), cache_folder, on_progress)
    with exclusive(cache_folder, on_progress):
        if not is_sound(path):
            on_progress(FetchProgress(f"assembling {path.name}", 0, None))
            network = prepare_landmark_network(landmarks.read_bytes())
            store(path, assemble(detector.read_bytes(), network))
    return path


def read_networks(bundle: Path) -> tuple[bytes, bytes]:
    """The detector's and the landmark network's file, out of a bundle.

    Raises:
        AssetCorrupt: they are not in there.
    """
    try:
        with zipfile.ZipFile(bundle) as members:
            return members.read(DETECTOR_MEMBER), members.read(LANDMARKS_MEMBER)
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise AssetCorrupt(f"Cannot read the pose networks in {bundle.name}: {error}") from None


def own_bundle(path: Path) -> Path:
    """Check that a user's own ``.task`` file can be a pose bundle.

    Raises:
        AssetUnavailable: there is no such file.
        AssetCorrupt: the file is no pose landmarker bundle; says what is missing.
    """
    if not path.is_file():
        raise AssetUnavailable(f"There is no model bundle at {path}.")
    try:
        with zipfile.ZipFile(path) as bundle:
            for member in (DETECTOR_MEMBER, LANDMARKS_MEMBER):
                with bundle.open(member) as network:
                    if network.read(8)[4:] != _TFLITE_IDENTIFIER:
                        raise AssetCorrupt(
                            f"{member} in {path.name} is not a TensorFlow Lite file."
                        )
    except KeyError:
        raise AssetCorrupt(
            f"{path.name} is not a pose landmarker bundle: it holds no {DETECTOR_MEMBER} and "
            f"{LANDMARKS_MEMBER}."
        ) from None
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise AssetCorrupt(f"{path.name} is not a readable .task file: {error}") from error
    return path


def assemble(detector: bytes, landmarks: bytes) -> bytes:
    """Zip two networks, each with its TFLite metadata, into a bundle; same input, same bytes."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as bundle:
        for name, network in ((DETECTOR_MEMBER, detector), (LANDMARKS_MEMBER, landmarks)):
            entry = zipfile.ZipInfo(name, date_time=_LONGEST_AGO)
            start = whole.tell() + _LOCAL_HEADER_BYTES + len(name) + _EXTRA_HEADER_BYTES
            padding = -start % _ALIGNMENT_BYTES
            entry.extra = _PADDING_FIELD + padding.to_bytes(2, "little") + bytes(padding)
            bundle.writestr(entry, network)
    return whole.getvalue()
