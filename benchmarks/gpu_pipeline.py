"""2D and lifting together: without decoding, and on a video from end to end."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from benchmarks.end_to_end_clips import FPS, make_clip
from benchmarks.gpu_material import back_and_forth, pictures_of_a_man
from benchmarks.gpu_step import Finding, Findings, Setting
from core.cameras import Camera
from core.checkpoints import load_lifter
from core.contracts import JobOptions, PoseModel
from core.keypoints.blazepose.estimators import TorchPoseEstimators
from core.keypoints.protocol import LooksAhead
from core.lifting.lift import lift_tracks, plan_batches
from core.models.mirror import MirrorAveraged
from core.runtime import HOST_BUDGET_MIB, Runtime, RuntimeConfig
from core.stages import LiftsTracks, Stages
from core.video.frames import Frame
from core.video.stream import probe

TARGET_FPS = 3000
_BUDGET_MIB = 8192


def together(setting: Setting) -> Findings:
    """Pictures that lie in memory, to smoothed joints on the host."""
    clip = setting.demo_clip()
    lift = _lift(setting)
    with TorchPoseEstimators(setting.bundle, setting.device) as estimators:
        for whole in (False,) if setting.quick else (False, True):
            pictures = pictures_of_a_man(clip, 3 if setting.quick else 75, whole=whole)
            height, width, _ = pictures[0].shape
            for pose_model in setting.pose_models:
                one = _Run(setting, clip, estimators, lift, pose_model, pictures)
                one.seconds(2 if setting.quick else 128)  # records, and fills caches
                count = 4 if setting.quick else _frames(pose_model, whole)
                name = f"{pose_model}, {width} x {height}"
                aimed = setting.has_gpu and pose_model is not PoseModel.HEAVY and not whole
                yield Finding(
                    f"{name}: 2D and lifting",
                    round(count / one.seconds(count), 1),
                    "frames/s",
                    at_least=TARGET_FPS if aimed else None,
                )
                alone_s = one.seconds_of_2d(count)
                yield Finding(f"{name}: 2D alone", round(count / alone_s, 1), "frames/s")


def end_to_end(setting: Setting) -> Findings:
    """A man from the demo's clip as a job sees him: decoded (1080p), searched, lifted, written."""
    clip, seconds = setting.demo_clip(), 30
    if not setting.quick:
        clip = make_clip(
            clip, setting.folder, codec="h264", width=1920, height=1080, frames=seconds * FPS
        )
    for pose_model in setting.pose_models:
        setting.bundle(pose_model)
        ways = ("torch",) if setting.quick else ("torch", "mediapipe")
        for backend in ways:
            config = RuntimeConfig(
                device=setting.device_name,  # pyright: ignore[reportArgumentType]
                cache_dir=setting.cache_folder,
                pose_model=pose_model,
                pose_backend=backend,
                checkpoint=setting.lifter,
                vram_budget_mib=_BUDGET_MIB,
            )
            with Runtime.load(config) as runtime:
                options = JobOptions(pose_model=pose_model, end_s=0.1 if setting.quick else None)
                summary = runtime.lift_video(clip, setting.folder / "poses.npz", options)
            name = f"{pose_model}, {backend}"
            yield Finding(f"{name}: frames", summary.frames)
            rate = round(summary.frames / summary.seconds, 1)
            yield Finding(f"{name}: from end to end", rate, "frames/s")
            yield Finding(f"{name}: first picture after", round(summary.first_frame_s, 3), "s")


class _Run:
    """One pose model on one size of picture."""

    def __init__(
        self,
        setting: Setting,
        clip: Path,
        estimators: TorchPoseEstimators,
        lift: LiftsTracks,
        pose_model: PoseModel,
        pictures: list[np.ndarray],
    ) -> None:
        height, width, _ = pictures[0].shape
        self._facts = replace(probe(clip), width_px=width, height_px=height)
        self._setting, self._estimators, self._lift = setting, estimators, lift
        self._pose_model, self._pictures = pose_model, pictures

    def seconds(self, count: int) -> float:
        """For so many frames, all stages but decoding and writing."""
        job = Stages(JobOptions(pose_model=self._pose_model), None)
        facts = self._facts
        start_s = perf_counter()
        with self._estimators.open(self._pose_model) as estimator:
            tracks = job.follow(job.observe(self._frames(count), estimator), facts)
            poses = job.lift(tracks, self._lift, Camera.assumed(facts.width_px, facts.height_px))
            assert sum(map(len, poses)) == count
        return perf_counter() - start_s

    def seconds_of_2d(self, count: int) -> float:
        """For the people in so many frames."""
        start_s = perf_counter()
        with self._estimators.open(self._pose_model) as estimator:
            assert isinstance(estimator, LooksAhead)
            seen = sum(len(people) > 0 for _, people in estimator.observe(self._frames(count)))
        took_s = perf_counter() - start_s
        assert seen > count // 2, "the man is in every picture"
        return took_s

    def _frames(self, count: int) -> Iterator[Frame]:
        return back_and_forth(self._pictures, count)


def _lift(setting: Setting) -> LiftsTracks:
    """As a runtime binds it."""
    network = MirrorAveraged(load_lifter(setting.lifter).model).to(setting.device)
    budget_mib = _BUDGET_MIB if setting.has_gpu else HOST_BUDGET_MIB
    planner = plan_batches(network, device=setting.device, budget_mib=budget_mib)
    return partial(lift_tracks, lifter=network, planner=planner, device=setting.device)


def _frames(pose_model: PoseModel, whole: bool) -> int:
    few = 2 if pose_model is PoseModel.HEAVY or whole else 1
    return 6000 // few


def facts_of_the_device(setting: Setting) -> dict[str, str]:
    """What the device says of itself, for the head of the report."""
    found = {"torch": torch.__version__, "device": "CPU"}
    if setting.has_gpu:
        properties = torch.cuda.get_device_properties(0)
        found |= {
            "device": properties.name,
            "memory": f"{properties.total_memory / 2**30:.1f} GiB",
            "cuda": str(torch.version.cuda),
            "cudnn": str(torch.backends.cudnn.version()),
        }
    return found
