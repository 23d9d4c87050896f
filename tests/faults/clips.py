"""Videos of a few segments for the tests of faults, and what an undisturbed run makes of them."""

from pathlib import Path

from core.contracts import JobOptions
from core.segments.plan import LENGTH_FRAMES, SegmentPlan
from tests.videos import make_video
from tests.worker.searching_runtime import SearchingRuntime

FRAMES = 3 * LENGTH_FRAMES - 10
PLAN = SegmentPlan.of(FRAMES)


def three_segments(folder: Path) -> Path:
    return make_video(folder / "clip.mp4", frames=FRAMES, size=(96, 96))


def undisturbed(clip: Path, folder: Path) -> bytes:
    """The result of one run that nothing interrupts, on one thread."""
    result = folder / "undisturbed.npz"
    runtime = SearchingRuntime(threads=1)
    runtime.lift_video(clip, result, JobOptions(), source_name=clip.name)
    return result.read_bytes()
