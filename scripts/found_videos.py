"""Which files to send, and what their results are called."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigInvalid, NotAVideo

VIDEO_SUFFIXES = frozenset(
    f".{ending}"
    for ending in (
        *("mp4", "m4v", "mov", "mkv", "webm", "avi", "mpg", "mpeg"),
        *("mts", "m2ts", "ts", "3gp", "wmv", "flv", "ogv"),
    )
)
"""What is taken from a folder; a file named outright is sent whatever it is called."""


@dataclass(frozen=True)
class Errand:
    """One video and where its result goes."""

    video: Path
    result: Path

    @property
    def name(self) -> str:
        return self.video.name


def plan_errands(paths: Sequence[Path], out: Path | None) -> list[Errand]:
    """Every video in these files and folders, each with a result path of its own.

    Args:
        paths: files, and folders to search through and through.
        out: ``X.npz`` for a single video, else a folder, in which the folders found are kept;
            the current folder if left out.

    Raises:
        NotAVideo: a path is not there, or no video was found at all.
        ConfigInvalid: one result file for several videos.
    """
    found = [pair for path in paths for pair in _videos_in(path)]
    found = list(dict.fromkeys(found))
    if not found:
        raise NotAVideo("There is no video in what was given; nothing to do.")
    if out is not None and out.suffix == ".npz":
        if len(found) > 1:
            raise ConfigInvalid(f"-o {out}: {len(found)} videos need a folder, not one file.")
        return [Errand(found[0][0], out)]
    folder = out or Path()
    stems = Counter(place.with_suffix("") for _, place in found)
    taken: set[Path] = set()
    errands: list[Errand] = []
    for video, place in found:
        name = _result_name(place, taken, unique=stems[place.with_suffix("")] == 1)
        taken.add(name)
        errands.append(Errand(video, folder / name))
    return errands


def _videos_in(path: Path) -> list[tuple[Path, Path]]:
    """Pairs of a video and its place relative to what the user named."""
    if path.is_dir():
        inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in VIDEO_SUFFIXES)
        return [(file, file.relative_to(path)) for file in inside if file.is_file()]
    if not path.exists():
        raise NotAVideo(f"'{path}' is not there.")
    return [(path, Path(path.name))]


def _result_name(place: Path, taken: set[Path], *, unique: bool) -> Path:
    """``clip.npz``; beside clip.mov ``clip.mp4.npz``; of two clip.mp4 the second ``clip-2.npz``."""
    name = place.with_suffix(".npz") if unique else place.with_name(place.name + ".npz")
    number = 2
    while name in taken:
        name = place.with_name(f"{place.stem}-{number}.npz")
        number += 1
    return name
