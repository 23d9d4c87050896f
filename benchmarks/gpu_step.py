"""Words of the GPU benchmark: what a step is told, what it finds, and how rates are taken."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from core.assets.bundle import pose_bundle
from core.assets.cache import cached_path, is_cached
from core.assets.manifest import DEMO_CLIP, pose_assets
from core.contracts import PoseModel


class NotHere(Exception):
    """A step, or the rest of it, cannot be taken here; says why."""


NEEDS_GPU = "not on this device"


@dataclass(frozen=True)
class Finding:
    """One number, with what is promised of it.

    Attributes:
        what: is measured.
        value: the number, or words.
        unit: of the number.
        at_most: the largest value that we promise.
        at_least: the smallest.
    """

    what: str
    value: float | int | str
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def kept(self) -> bool | None:
        """Whether the promise is kept; None where nothing is promised."""
        if isinstance(self.value, str) or (self.at_most is None and self.at_least is None):
            return None
        # NaN keeps no promise.
        high_enough = self.at_least is None or self.value >= self.at_least
        return high_enough and (self.at_most is None or self.value <= self.at_most)


@dataclass(frozen=True)
class Setting:
    """What every step is told.

    Attributes:
        device_name: ``cuda`` or ``cpu``.
        quick: tiny sizes, which measure nothing: a rehearsal.
        folder: for files of the step.
        cache_folder: of fetched model files; nothing is fetched.
        motion: an ``.npz`` to train on; without, a figure that sways is drawn.
    """

    device_name: str
    quick: bool
    folder: Path
    cache_folder: Path
    motion: Path | None = None

    @property
    def device(self) -> torch.device:
        return torch.device(self.device_name)

    @property
    def has_gpu(self) -> bool:
        return self.device_name == "cuda"

    @property
    def pose_models(self) -> tuple[PoseModel, ...]:
        return (PoseModel.LITE,) if self.quick else tuple(PoseModel)

    @property
    def pose_model(self) -> PoseModel:
        """The one for steps that need only one."""
        return PoseModel.LITE if self.quick else PoseModel.FULL

    @property
    def lifter(self) -> Path:
        """Of packaged weights, by name."""
        return Path("small" if self.quick else "base")

    @property
    def seconds(self) -> float:
        """How long each rate is taken."""
        return 0.02 if self.quick else 0.6

    def bundle(self, pose_model: PoseModel) -> Path:
        """Of a pose model.

        Raises:
            NotHere: it is not in the cache.
        """
        bundles = self.cache_folder / "bundles"
        ready = any(bundles.glob(f"pose_{pose_model}.*.task"))
        if not ready and not all(is_cached(self.cache_folder, a) for a in pose_assets(pose_model)):
            raise NotHere(f"pose model {pose_model} is not cached: poselift assets fetch")
        return pose_bundle(self.cache_folder, pose_model)

    def demo_clip(self) -> Path:
        """A real video.

        Raises:
            NotHere: it is not in the cache.
        """
        if not is_cached(self.cache_folder, DEMO_CLIP):
            raise NotHere("the demo clip is not cached: poselift assets fetch")
        return cached_path(self.cache_folder, DEMO_CLIP)


Findings = Iterator[Finding]


@dataclass(frozen=True)
class Step:
    """One part of the benchmark, which runs in a process of its own.

    Attributes:
        name: on the command line.
        what: in words.
        take: finds.
        limit_s: it is ended after so long.
    """

    name: str
    what: str
    take: Callable[[Setting], Findings]
    limit_s: float = 60


def per_second(work: Callable[[], object], setting: Setting, amount: int) -> float:
    """How much of something gets done in a second, when ``work`` does so much of it."""
    work()
    done, start_s = 0, _settled_s(setting)
    while done == 0 or time.perf_counter() - start_s < setting.seconds:
        work()
        done += amount
    return round(done / (_settled_s(setting) - start_s), 1)


def _settled_s(setting: Setting) -> float:
    """The time when the device has nothing left to do."""
    if setting.has_gpu:
        torch.cuda.synchronize()
    return time.perf_counter()
