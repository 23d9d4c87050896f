"""Reads 2D keypoints that a user brings in an ``.npz`` file, and says what is wrong with it."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64

from core.errors import KeypointsInvalid
from core.keypoints.layouts import find_layout, to_keypoints

_LARGEST_SIDE_PX = 65_536
_FARTHEST_SIDES = 100.0  # a keypoint may lie outside the picture, but not in another town
_HIGHEST_FPS = 10_000.0
_LARGEST_FIELD_BYTES = 4 << 30


@dataclass(frozen=True, eq=False)
class KeypointFile:
    """2D keypoints of one person over time.

    Attributes:
        keypoints_px: pixels of the upright frame; NaN where missing.
        confidence: in [0, 1]; 0 where missing.
        frame_time_s: strictly increasing.
        width_px: of the frame, for the camera's viewing angle.
        height_px: of the frame.
    """

    keypoints_px: Float32[np.ndarray, "frames 33 2"]
    confidence: Float32[np.ndarray, "frames 33"]
    frame_time_s: Float64[np.ndarray, "frames"]
    width_px: int
    height_px: int


def read_keypoints(path: Path, layout: str) -> KeypointFile:
    """Read a user's keypoints.

    The file holds ``keypoints (frames, joints, 2)`` in pixels, optionally ``confidence (frames,
    joints)`` (else 1 wherever keypoints are finite), ``width`` and ``height`` in pixels, and either
    ``fps`` or ``frame_time_s (frames,)``, which wins if both are there.

    Args:
        path: an ``.npz`` file, as ``numpy.savez`` writes it.
        layout: the order of the joints, a name in :data:`core.keypoints.layouts.LAYOUTS`.

    Raises:
        OptionError: there is no such layout.
        KeypointsInvalid: anything else; the sentence names the field.
    """
    find_layout(layout)
    fields = _read_fields(path)
    joints_px = _keypoints(fields)
    confidence = _confidence(fields, joints_px)
    keypoints_px, mapped_confidence = to_keypoints(joints_px, confidence, layout)
    width_px, height_px = _side_px(fields, "width"), _side_px(fields, "height")
    _check_reach(keypoints_px, max(width_px, height_px))
    return KeypointFile(
        keypoints_px=keypoints_px,
        confidence=mapped_confidence,
        frame_time_s=_times(fields, len(joints_px)),
        width_px=width_px,
        height_px=height_px,
    )


def _read_fields(path: Path) -> dict[str, np.ndarray]:
    known = ("keypoints", "confidence", "fps", "frame_time_s", "width", "height")
    try:
        _refuse_bombs(path)
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in known if name in file.files}
    except FileNotFoundError:
        raise KeypointsInvalid(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise KeypointsInvalid(f"{path} is a folder, not an .npz file.") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        if "allow_pickle" in str(error) or "Object arrays" in str(error):
            raise KeypointsInvalid(
                "The file holds Python objects, which are not read because they could run code: "
                "save plain numeric arrays with numpy.savez."
            ) from None
        raise KeypointsInvalid(f"{path.name} is not an .npz file that can be read.") from None


def _refuse_bombs(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        if any(entry.file_size > _LARGEST_FIELD_BYTES for entry in archive.infolist()):
            raise KeypointsInvalid(f"{path.name} holds a field of more than 4 GiB: split it.")


def _numbers(fields: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name not in fields:
        raise KeypointsInvalid(f"The file has no field '{name}'.")
    field = fields[name]
    if field.dtype.kind not in "fiu":
        raise KeypointsInvalid(f"Field '{name}' holds {field.dtype} instead of numbers.")
    return field


def _keypoints(fields: dict[str, np.ndarray]) -> Float32[np.ndarray, "frames joints 2"]:
    keypoints = _numbers(fields, "keypoints")
    if keypoints.ndim != 3 or keypoints.shape[2] != 2:
        raise KeypointsInvalid(
            f"Field 'keypoints' has shape {keypoints.shape} instead of (frames, joints, 2)."
        )
    if len(keypoints) == 0:
        raise KeypointsInvalid("Field 'keypoints' holds no frames.")
    with np.errstate(over="ignore"):  # too large for 32 bits becomes infinite, which is missing
        return np.asarray(keypoints, np.float32)


def _confidence(
    fields: dict[str, np.ndarray], keypoints_px: Float32[np.ndarray, "frames joints 2"]
) -> Float32[np.ndarray, "frames joints"]:
    if "confidence" not in fields:
        return np.asarray(np.isfinite(keypoints_px).all(axis=-1), np.float32)
    confidence = _numbers(fields, "confidence")
    if confidence.shape != keypoints_px.shape[:2]:
        raise KeypointsInvalid(
            f"Field 'confidence' has shape {confidence.shape} instead of "
            f"{keypoints_px.shape[:2]}, one number per frame and joint."
        )
    known = confidence[np.isfinite(confidence)]
    if known.size and (known.min() < 0 or known.max() > 1):
        raise KeypointsInvalid(
            f"Field 'confidence' goes from {known.min():g} to {known.max():g}; "
            f"it must lie between 0 and 1."
        )
    return np.where(np.isfinite(confidence), confidence, 0).astype(np.float32)


def _times(fields: dict[str, np.ndarray], frames: int) -> Float64[np.ndarray, "frames"]:
    if "frame_time_s" not in fields:
        if "fps" not in fields:
            raise KeypointsInvalid("The file needs a field 'fps' or 'frame_time_s'.")
        return np.arange(frames, dtype=np.float64) / _scalar(fields, "fps", _HIGHEST_FPS)
    times_s = _numbers(fields, "frame_time_s").astype(np.float64)
    if times_s.shape != (frames,):
        raise KeypointsInvalid(
            f"Field 'frame_time_s' has shape {times_s.shape} instead of ({frames},)."
        )
    if not np.isfinite(times_s).all():
        frame = int(np.argmin(np.isfinite(times_s)))
        raise KeypointsInvalid(f"Field 'frame_time_s' is not a number at frame {frame}.")
    steps_s = np.diff(times_s)
    if (steps_s <= 0).any():
        frame = int(np.argmax(steps_s <= 0)) + 1
        raise KeypointsInvalid(
            f"Field 'frame_time_s' must increase from frame to frame, but goes from "
            f"{times_s[frame - 1]:g} to {times_s[frame]:g} at frame {frame}."
        )
    return times_s


def _side_px(fields: dict[str, np.ndarray], name: str) -> int:
    side = _scalar(fields, name, _LARGEST_SIDE_PX)
    if side != round(side):
        raise KeypointsInvalid(f"Field '{name}' is {side:g}; it must be a whole number of pixels.")
    return round(side)


def _scalar(fields: dict[str, np.ndarray], name: str, largest: float) -> float:
    field = _numbers(fields, name)
    if field.size != 1:
        raise KeypointsInvalid(f"Field '{name}' has shape {field.shape} instead of one number.")
    value = float(field.reshape(-1)[0])
    if not 0 < value <= largest:
        raise KeypointsInvalid(
            f"Field '{name}' is {value:g}; it must be above 0 and at most {largest:g}."
        )
    return value


def _check_reach(keypoints_px: Float32[np.ndarray, "frames 33 2"], side_px: int) -> None:
    """Coordinates from 0 to 1, or in another unit, would be lifted to nonsense without a word."""
    known = keypoints_px[np.isfinite(keypoints_px)]
    if known.size == 0:
        raise KeypointsInvalid("Field 'keypoints' holds no keypoint that is known in any frame.")
    if np.abs(known).max() > _FARTHEST_SIDES * side_px:
        raise KeypointsInvalid(
            f"Field 'keypoints' reaches {np.abs(known).max():g}, far outside a picture of "
            f"{side_px} px: it must be in pixels."
        )
    if np.abs(known).max() <= 2:
        raise KeypointsInvalid(
            "Field 'keypoints' stays below 2: it must be in pixels, not in shares of the picture."
        )
