"""The warm parts that every job of one process shares: networks, weights, device, memory budget."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Literal, Self

import cv2
import numpy as np
import torch

from core.assets.bundle import own_bundle, pose_bundle
from core.assets.cache import default_cache_folder
from core.assets.packages import OnProgress, no_progress
from core.box.boxes import Boxes
from core.box.limits import BoxLimits
from core.box.sandbox import Sandbox
from core.cameras import Camera
from core.checkpoints import LoadedLifter, load_lifter
from core.chunks import PoseChunk, TrackChunk
from core.closing import Closing
from core.contracts import JobOptions, PersonPose, PoseModel
from core.cores import usable_cores
from core.errors import ConfigInvalid
from core.export.onnx_lifter import OnnxLifter
from core.images.box.boxes import PICTURE_LIMITS, ImageBoxes
from core.images.reading import read_image
from core.keypoints.backends import MakesEstimators, PoseBackend, make_estimators
from core.keypoints.files import KeypointFile
from core.keypoints.protocol import Detection, KeypointEstimator
from core.lifting.lift import lift_tracks, plan_batches
from core.lifting.memory_cost import MIB, limit_device_memory
from core.models.mirror import MirrorAveraged
from core.pipeline import LiftSummary, Listener, lift_keypoints, lift_video
from core.results.manifest import ModelFacts
from core.resuming import OpenSpool, no_spool
from core.skeleton import KEYPOINT_NAMES
from core.video.box.boxes import DecoderBoxes
from core.video.frames import VideoLimits
from core.video.gpu_decoding import GpuDecoding
from core.video.reader import VideoReader, read_here

HOST_BUDGET_MIB = 512
"""Memory for batches of windows on the CPU, where larger batches gain nothing."""
VRAM_SHARE = 0.8
"""Part of the GPU memory free at the start that a process takes when no budget is given."""
PICTURE_PERSONS = 4
"""How many people are looked for in a single picture."""
_WARM_THREADS = 4
"""A short video has no use for more; longer ones do not notice what loading takes."""


@dataclass(frozen=True)
class RuntimeConfig:
    """Where to run and with which weights; unset means the default.

    Attributes:
        device: ``auto`` takes a GPU if there is one.
        checkpoint: another lifter than the packaged one.
        cache_dir: where fetched model files are kept.
        pose_task: the user's own MediaPipe bundle, used whatever ``pose_model`` a job asks for.
        pose_model: the 2D network to load before the first job; none if keypoints are brought.
        vram_budget_mib: GPU memory for this process.
        host_budget_mib: memory for batches on the CPU.
        lifter_backend: what computes the lifter; ``onnx`` is ONNX Runtime, always on the CPU.
        pose_backend: what computes the 2D networks; ``auto`` is PyTorch on a GPU, else LiteRT.
        threads: how many search a video for people side by side; as many as there are cores if
            unset. The result does not depend on it.
        sandbox: whether videos and pictures are decoded in processes that can do nothing else. The
            result does not depend on it.
        decoder_memory_mib: how much such a process may have.
        decode_on: ``auto`` decodes on the GPU whatever it decodes faster; only without a box.
        serves: what is tried in such a process before the first job, and has one waiting for it.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    checkpoint: Path | None = None
    cache_dir: Path | None = None
    pose_task: Path | None = None
    pose_model: PoseModel | None = PoseModel.FULL
    vram_budget_mib: int | None = None
    host_budget_mib: int | None = None
    lifter_backend: Literal["torch", "onnx"] = "torch"
    pose_backend: PoseBackend = "litert"
    threads: int | None = None
    sandbox: Sandbox = Sandbox.OFF
    decoder_memory_mib: int | None = None
    decode_on: Literal["cpu", "auto"] = "cpu"
    serves: Literal["videos", "pictures"] = "videos"


class Runtime(Closing):
    """Loaded once per process, used for every job. Close it, or use it as a context manager."""

    def __init__(
        self,
        estimators: MakesEstimators,
        lifter: LoadedLifter,
        device: torch.device,
        budget_mib: int,
        bundle_of: Callable[[PoseModel], Path],
        onnx_lifter: OnnxLifter | None = None,
        threads: int = 1,
        boxes: DecoderBoxes | None = None,
        image_boxes: ImageBoxes | None = None,
        gpu_decoding: GpuDecoding | None = None,
    ) -> None:
        self._estimators = estimators
        self._boxes = boxes
        self._image_boxes = image_boxes
        self._gpu_decoding = gpu_decoding
        self._threads = threads
        self._lifter = lifter
        self._bundle_of = bundle_of
        self._keypoint_models: dict[PoseModel, ModelFacts] = {}
        self._device = device
        self._budget_mib = budget_mib
        network = MirrorAveraged(lifter.model).to(device)
        limit_device_memory(device, budget_mib)
        planner = plan_batches(network, device=device, budget_mib=budget_mib)
        self._mirror_thread = None
        if device.type == "cpu" and threads > 1 and planner.fits_twice(budget_mib):
            self._mirror_thread = ThreadPoolExecutor(1, thread_name_prefix="mirror")
        # ONNX Runtime's memory cannot be counted from here; the same batch takes torch no less.
        model = onnx_lifter or lifter.model
        self._lift = partial(
            lift_tracks,
            lifter=MirrorAveraged(model).to(device),
            alone=MirrorAveraged(model, self._mirror_thread).to(device),
            planner=planner,
            device=device,
        )

    @classmethod
    def load(cls, config: RuntimeConfig, on_progress: OnProgress = no_progress) -> Self:
        """Load and warm up everything, so that the first job starts like any other.

        Raises:
            AssetUnavailable: a model file is not in the cache and cannot be fetched.
            CheckpointInvalid: the lifter's weights cannot be used.
            ConfigInvalid: a GPU is asked for and there is none, or ONNX Runtime or a decoder's box
                shall use it.
            ExtraMissing: ONNX Runtime is asked for and not installed.
            OutOfMemory: not even one window of frames fits into the budget.
        """
        device, threads = _device(config), config.threads or usable_cores()
        # The lifter is small: more threads only spin against the 2D networks' and other processes'.
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        lifter = load_lifter(config.checkpoint)
        onnx_lifter = OnnxLifter.of(lifter) if config.lifter_backend == "onnx" else None
        bundle_of = _bundles(config, on_progress)
        with ExitStack() as undo:
            estimators = undo.enter_context(make_estimators(config.pose_backend, bundle_of, device))
            if config.pose_model is not None:
                searching = 1 if config.serves == "pictures" else min(threads, _WARM_THREADS)
                estimators.warm_up(config.pose_model, searching)
            budget_mib = _budget_mib(config, device)
            boxes, image_boxes = _boxes(config, undo)
            runtime = cls(
                estimators,
                lifter,
                device,
                budget_mib,
                bundle_of,
                onnx_lifter,
                threads,
                boxes,
                image_boxes,
                _gpu_decoding(config, device),
            )
            runtime._rehearse(config.pose_model)
            undo.pop_all()  # from here on the runtime closes them
        return runtime

    @property
    def device(self) -> str:
        """What the lifter runs on: ``cpu``, or ``cuda`` with the card's name."""
        if self._device.type == "cuda":
            return f"cuda ({torch.cuda.get_device_name(self._device)})"
        return "cpu"

    @property
    def decoder(self) -> str:
        """Where videos are decoded: in ``this process``, or in a box, with what it is made of."""
        on_gpu = "" if self._gpu_decoding is None else ", on the GPU where that is faster"
        return _where(self._boxes) + on_gpu

    @property
    def image_decoder(self) -> str:
        """Likewise, for single pictures."""
        return _where(self._image_boxes)

    def lift_video(
        self,
        video: Path,
        result: Path,
        options: JobOptions,
        *,
        listener: Listener | None = None,
        source_name: str | None = None,
        limits: VideoLimits | None = None,
        open_spool: OpenSpool = no_spool,
    ) -> LiftSummary:
        """See :func:`core.pipeline.lift_video`."""
        return lift_video(
            video,
            result,
            options,
            open_estimator=self._open_estimator,
            lift=self._lift,
            models={"keypoints": self._keypoint_model(options.pose_model), **self._lifter_facts()},
            limits=limits,
            threads=self._threads,
            listener=listener,
            source_name=source_name,
            open_spool=open_spool,
            open_reader=self._open_reader,
        )

    def lift_keypoints(
        self,
        keypoints: KeypointFile,
        result: Path,
        options: JobOptions,
        *,
        listener: Listener | None = None,
        source_name: str | None = None,
    ) -> LiftSummary:
        """See :func:`core.pipeline.lift_keypoints`."""
        return lift_keypoints(
            keypoints,
            result,
            options,
            lift=self._lift,
            models=self._lifter_facts(),
            listener=listener,
            source_name=source_name,
        )

    def lift_image(self, image: bytes) -> list[PersonPose]:
        """Everybody in a picture, the most prominent first.

        Raises:
            ImageInvalid: this is no picture we can read.
            DecoderCrashed: it broke the process that decoded it; likewise ``DecoderLimits``.
            DecoderLost: that process was ended from outside, or could not be started.
        """
        rgb = read_image(image) if self._image_boxes is None else self._image_boxes.read(image)
        detections = self._estimators.estimate_image(rgb, PoseModel.FULL, PICTURE_PERSONS)
        if not detections:
            return []
        height_px, width_px = rgb.shape[:2]
        camera = Camera.assumed(width_px, height_px)
        (pose,) = self._lift([_one_frame(detections)], camera=camera)
        return [_person(pose, row) for row in range(len(detections))]

    def device_memory_bytes(self) -> dict[str, int]:
        """GPU memory of this process by kind: in use, held by the allocator, and its limit."""
        if self._device.type != "cuda":
            return {}
        return {
            "vram_allocated": torch.cuda.memory_allocated(self._device),
            "vram_reserved": torch.cuda.memory_reserved(self._device),
            "vram_budget": self._budget_mib * MIB,
        }

    def close(self) -> None:
        self._estimators.close()
        if self._mirror_thread is not None:
            self._mirror_thread.shutdown()
        for boxes in (self._boxes, self._image_boxes):
            if boxes is not None:
                boxes.close()

    def _rehearse(self, pose_model: PoseModel | None) -> None:
        """What the first job would otherwise do for all others, besides loading networks."""
        if pose_model is not None:
            self._keypoint_model(pose_model)
        somebody = Detection(
            np.zeros((len(KEYPOINT_NAMES), 2), np.float32), np.ones(len(KEYPOINT_NAMES), np.float32)
        )
        camera = Camera.assumed(2, 2)
        list(self._lift([_one_frame([somebody])], camera=camera, is_alone=lambda: True))

    def _open_reader(self, video: Path) -> AbstractContextManager[VideoReader]:
        if self._boxes is not None:
            return self._boxes.open(video)
        return read_here(video, self._gpu_decoding)

    def _open_estimator(self, options: JobOptions) -> KeypointEstimator:
        return self._estimators.open(options.pose_model, options.max_persons)

    def _keypoint_model(self, pose_model: PoseModel) -> ModelFacts:
        if pose_model not in self._keypoint_models:
            bundle = self._bundle_of(pose_model)
            digest = sha256(bundle.read_bytes()).hexdigest()
            facts = ModelFacts(name=f"{self._estimators.name}/{bundle.stem}", sha256=digest)
            self._keypoint_models[pose_model] = facts
        return self._keypoint_models[pose_model]

    def _lifter_facts(self) -> dict[str, ModelFacts]:
        regions = self._lifter.regions
        radii = None if regions is None else regions.to_dict()["radius_sigmas"]
        facts = ModelFacts(name=self._lifter.name, sha256=self._lifter.sha256, sigma_radii=radii)
        return {"lifter": facts}


def _device(config: RuntimeConfig) -> torch.device:
    wanted = config.device
    if config.decode_on != "cpu" and config.sandbox is not Sandbox.OFF:
        raise ConfigInvalid(
            "A decoder in a process of its own has no GPU: turn the sandbox off, or decode on cpu."
        )
    if config.lifter_backend == "onnx":
        if wanted == "cuda":
            raise ConfigInvalid(
                "ONNX Runtime lifts on the CPU here: choose the device cpu, or the backend torch."
            )
        return torch.device("cpu")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigInvalid("This machine has no GPU that PyTorch can use: choose --device cpu.")
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(wanted)


def _bundles(config: RuntimeConfig, on_progress: OnProgress) -> Callable[[PoseModel], Path]:
    if config.pose_task is not None:
        own = own_bundle(config.pose_task)
        return lambda _: own
    cache_folder = config.cache_dir or default_cache_folder()
    return lambda pose_model: pose_bundle(cache_folder, pose_model, on_progress)


def _gpu_decoding(config: RuntimeConfig, device: torch.device) -> GpuDecoding | None:
    if config.decode_on == "cpu" or device.type != "cuda":
        return None
    return GpuDecoding.here(torch.cuda.current_device())


def _boxes(
    config: RuntimeConfig, undo: ExitStack
) -> tuple[DecoderBoxes, ImageBoxes] | tuple[None, None]:
    """For videos and for pictures, closed by ``undo``.

    Those that are served are tried, and all where no box may do without a wall.
    """
    if config.sandbox is Sandbox.OFF:
        return None, None
    memory_mib = config.decoder_memory_mib
    memory_bytes = BoxLimits().memory_bytes if memory_mib is None else memory_mib * MIB
    videos = DecoderBoxes(BoxLimits(memory_bytes=memory_bytes))
    pictures = ImageBoxes(replace(PICTURE_LIMITS, memory_bytes=memory_bytes))
    served = videos if config.serves == "videos" else pictures
    for boxes in (videos, pictures):
        undo.enter_context(boxes)
        if boxes is served or config.sandbox is Sandbox.REQUIRE:
            boxes.check(config.sandbox)
    return videos, pictures


def _where(boxes: Boxes | None) -> str:
    return "this process" if boxes is None else str(boxes)


def _budget_mib(config: RuntimeConfig, device: torch.device) -> int:
    if device.type == "cpu":
        given_mib, default_mib = config.host_budget_mib, HOST_BUDGET_MIB
    else:
        free_bytes, _ = torch.cuda.mem_get_info(device)
        given_mib, default_mib = config.vram_budget_mib, int(VRAM_SHARE * free_bytes / MIB)
    return default_mib if given_mib is None else given_mib


def _one_frame(detections: Sequence[Detection]) -> TrackChunk:
    """Everybody in a single picture as tracks of one frame."""
    hints = [d.hint_m for d in detections if d.hint_m is not None]
    return TrackChunk(
        frame_index=np.zeros(1, np.int64),
        frame_time_s=np.zeros(1),
        keypoints_px=np.stack([d.keypoints_px for d in detections])[:, None],
        confidence=np.stack([d.confidence for d in detections])[:, None],
        observed=np.ones((len(detections), 1), bool),
        hint_m=np.stack(hints)[:, None] if len(hints) == len(detections) else None,
    )


def _person(pose: PoseChunk, row: int) -> PersonPose:
    return PersonPose(
        joints_3d=pose.joints_m[row, 0].tolist(),
        joints_3d_sigma=pose.sigma_m[row, 0].tolist(),
        keypoints_2d=pose.track.keypoints_px[row, 0].tolist(),
        keypoints_confidence=pose.track.confidence[row, 0].tolist(),
    )
