"""The 2D networks on a device: the same answers as on a CPU, however batched, and how fast."""

import zipfile
from collections.abc import Sequence
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import torch

from benchmarks.gpu_material import pictures_of_a_man
from benchmarks.gpu_shortage import allocated_mib, only_this_much_more
from benchmarks.gpu_step import NEEDS_GPU, Finding, Findings, NotHere, Setting, per_second
from core.assets.bundle import LANDMARKS_MEMBER
from core.cores import usable_cores
from core.errors import LiftError
from core.keypoints.blazepose.crops import Placement, upright_crops, whole_picture
from core.keypoints.blazepose.graph import read_graph
from core.keypoints.blazepose.network import GraphNetwork
from core.keypoints.blazepose.networks import People, PoseNetworks
from core.keypoints.blazepose.replay import Replayed

_CPU = torch.device("cpu")
_SIZE_PX = (640, 360)
_BATCHES = (1, 8, 32, 64, 128)


def same_answers(setting: Setting) -> Findings:
    """Against single precision on the CPU, in the crops that it finds."""
    if setting.has_gpu:
        torch.set_num_threads(usable_cores())
    pictures = pictures_of_a_man(setting.demo_clip(), 2 if setting.quick else 48)
    for pose_model in setting.pose_models:
        bundle = setting.bundle(pose_model)
        reference = PoseNetworks.load(bundle, _CPU)
        places, crops = _crops(reference, pictures)
        expected = reference.read(reference.upload(pictures), places, crops)
        formats = [torch.float32, torch.float16] if setting.has_gpu else [torch.float32]
        for dtype in formats:
            networks = PoseNetworks.load(bundle, setting.device, dtype=dtype)
            # Tensor cores round single precision to 10 bits unless told otherwise.
            with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
                seen = networks.read(networks.upload(pictures), places, crops)
                _, found = _crops(networks, pictures)
            name = f"{pose_model}, {_short(dtype)}"
            yield from _apart(name, seen, expected)
            yield Finding(f"{name}: detector's crops, most", _most(found, crops), "px", at_most=2)
        if not setting.has_gpu:
            yield Finding(f"{pose_model}, fp16", NEEDS_GPU)


def same_in_any_batch(setting: Setting) -> Findings:
    """Crops one by one, a few at a time and all at once."""
    pictures = pictures_of_a_man(setting.demo_clip(), 3 if setting.quick else 40)
    bundle = setting.bundle(setting.pose_model)
    expected, places, crops = None, [], np.zeros((0, 2, 3))
    for batch in (1, 2) if setting.quick else (1, 5, 32, 64):
        networks = PoseNetworks.load(bundle, setting.device, batch=batch)
        if expected is None:
            places, crops = _crops(networks, pictures)
        seen = networks.read(networks.upload(pictures), places, crops)
        expected = expected or seen
        apart_px = _most(seen.keypoints_px, expected.keypoints_px)
        yield Finding(f"batches of {batch}: keypoints, most", apart_px, "px", at_most=0.5)


def recordings(setting: Setting) -> Findings:
    """Recorded graphs against the same network launched operator by operator."""
    if not setting.has_gpu:
        yield Finding("recorded graphs", NEEDS_GPU)
    dtype = torch.float16 if setting.has_gpu else torch.float32
    network = _landmark_network(setting.bundle(setting.pose_model), setting.device, dtype)
    replayed = Replayed(network, limit=8)
    random = torch.Generator().manual_seed(0)
    earlier: list[tuple[torch.Tensor, torch.Tensor]] = []
    with torch.inference_mode():
        for count in (1, 2, 1) if setting.quick else (5, 1, 8, 5, 3, 8):
            pictures = torch.rand(count, 3, network.side, network.side, generator=random)
            pictures = pictures.to(setting.device, dtype)
            pictures = pictures.contiguous(memory_format=torch.channels_last)
            launched, recorded = network(pictures), replayed(pictures)
            pairs = zip(launched, recorded, strict=True)
            apart = max(_share_apart(one, other) for one, other in pairs)
            yield Finding(f"{count} pictures: relative difference", apart, at_most=0.02)
            earlier.append((recorded[0], recorded[0].clone()))
    changed = sum(not torch.equal(now, then) for now, then in earlier)
    yield Finding("outputs that a later replay wrote over", changed, at_most=0)


def rates(setting: Setting) -> Findings:
    """Landmark network with its crops cut and its answers on the host; the detector likewise."""
    batches = (1, 2) if setting.quick else _BATCHES
    formats = (torch.float16, torch.float32) if setting.has_gpu else (torch.float32,)
    for pose_model, dtype in product(setting.pose_models, formats):
        networks = PoseNetworks.load(
            setting.bundle(pose_model), setting.device, batch=max(batches), dtype=dtype
        )
        pictures = networks.upload(_noise(max(batches)))
        for batch in batches:
            places, crops = list(range(batch)), _in_the_middle(batch)
            read = partial(networks.read, pictures, places, crops)
            rate = per_second(read, setting, batch)
            yield Finding(f"{pose_model}, {_short(dtype)}, batches of {batch}", rate, "frames/s")
        yield from _detector_rate(networks, pictures, max(batches), _short(dtype), setting)
    yield from _network_alone(setting)


def _detector_rate(
    networks: PoseNetworks, pictures: torch.Tensor, batch: int, dtype: str, setting: Setting
) -> Findings:
    places, whole = list(range(batch)), np.repeat(whole_picture(*_SIZE_PX), batch, axis=0)
    rate = per_second(lambda: networks.detect(pictures, places, whole), setting, batch)
    yield Finding(f"detector, {dtype}, batches of {batch}", rate, "pictures/s")


def _network_alone(setting: Setting) -> Findings:
    """What recording graphs gains: a network without crops, input and output on the device."""
    dtype = torch.float16 if setting.has_gpu else torch.float32
    network = _landmark_network(setting.bundle(setting.pose_model), setting.device, dtype)
    for batch in (1,) if setting.quick else (1, 32, 128):
        replayed = Replayed(network, batch)
        pictures = torch.zeros(batch, 3, network.side, network.side, dtype=dtype)
        pictures = pictures.to(setting.device).contiguous(memory_format=torch.channels_last)
        ways = {"launched": network, "recorded": replayed}
        with torch.inference_mode():
            for way, run in ways.items():
                if way == "recorded" and not setting.has_gpu:
                    continue
                rate = per_second(partial(run, pictures), setting, batch)
                what = f"{setting.pose_model}, network alone, {way}, batches of {batch}"
                yield Finding(what, rate, "frames/s")


def out_of_memory(setting: Setting) -> Findings:
    """A batch that does not fit is halved, the answers are the same, memory comes back."""
    if not setting.has_gpu:
        raise NotHere(NEEDS_GPU)
    bundle, count = setting.bundle(setting.pose_model), 256
    before_mib = allocated_mib(setting.device)
    calm = PoseNetworks.load(bundle, setting.device, batch=8)
    pictures = calm.upload(_noise(8))
    places, crops = [number % 8 for number in range(count)], _in_the_middle(count)
    expected = calm.read(pictures, places, crops)
    greedy = PoseNetworks.load(bundle, setting.device, batch=count)
    with only_this_much_more(setting.device, mib=320):
        seen = greedy.read(pictures, places, crops)
    apart_px = _most(seen.keypoints_px, expected.keypoints_px)
    yield Finding("batch of 256 where 8 fit: keypoints, most apart", apart_px, "px", at_most=0.5)
    another = PoseNetworks.load(bundle, setting.device, batch=count)
    with only_this_much_more(setting.device, mib=0):
        yield Finding("where nothing fits", _code_of(another, pictures, places, crops))
    del greedy, calm, another, pictures
    left_mib = allocated_mib(setting.device) - before_mib
    # Whatever cuBLAS and cuDNN keep for themselves stays.
    yield Finding("left allocated when all are gone", round(left_mib, 1), "MiB", at_most=64)


def _code_of(
    networks: PoseNetworks, pictures: torch.Tensor, places: list[int], crops: Placement
) -> str:
    try:
        networks.read(pictures, places, crops)
    except LiftError as error:
        return f"error {error.code}"
    return "did not run out of memory"


def _crops(networks: PoseNetworks, pictures: Sequence[np.ndarray]) -> tuple[list[int], Placement]:
    """The surest person's crop in each picture."""
    height, width, _ = pictures[0].shape
    whole = np.repeat(whole_picture(width, height), len(pictures), axis=0)
    boxes = networks.detect(networks.upload(pictures), list(range(len(pictures))), whole)
    places = [place for place, people in enumerate(boxes) if len(people.score)]
    return places, upright_crops(np.concatenate([boxes[place].alignment[:1] for place in places]))


def _apart(name: str, seen: People, expected: People) -> Findings:
    apart_px = np.hypot(*(seen.keypoints_px - expected.keypoints_px).T)
    apart_m = np.abs(seen.hint_m - expected.hint_m)
    yield Finding(f"{name}: keypoints, median", _round(np.median(apart_px)), "px", at_most=0.05)
    yield Finding(
        f"{name}: keypoints, 95 %", _round(np.percentile(apart_px, 95)), "px", at_most=0.5
    )
    yield Finding(f"{name}: own 3D, median", _round(1000 * np.median(apart_m)), "mm", at_most=0.5)
    confidence = _most(seen.confidence, expected.confidence)
    yield Finding(f"{name}: confidence, most", confidence, at_most=0.05)


def _landmark_network(bundle: Path, device: torch.device, dtype: torch.dtype) -> GraphNetwork:
    with zipfile.ZipFile(bundle) as members:
        graph = read_graph(members.read(LANDMARKS_MEMBER))
    network = GraphNetwork(graph, graph.outputs).eval().to(device, dtype)
    network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    return network


def _noise(count: int) -> list[np.ndarray]:
    width, height = _SIZE_PX
    rng = np.random.default_rng(0)
    return list(rng.integers(0, 256, (count, height, width, 3), np.uint8))


def _in_the_middle(count: int) -> Placement:
    width, height = _SIZE_PX
    alignment = np.array([[[width / 2, height / 2], [width / 2 + 9, height / 2 - 120]]])
    return upright_crops(np.repeat(alignment, count, axis=0) + np.arange(count)[:, None, None] % 7)


def _share_apart(one: torch.Tensor, other: torch.Tensor) -> float:
    size = one.float().abs().max().clamp(min=1e-6)
    return _round(float(((one.float() - other.float()).abs().max() / size).cpu()))


def _most(one: np.ndarray, other: np.ndarray) -> float:
    return _round(np.abs(one - other).max()) if one.shape == other.shape else float("nan")


def _round(value: float) -> float:
    return float(f"{value:.4g}")


def _short(dtype: torch.dtype) -> str:
    return {torch.float16: "fp16", torch.float32: "fp32"}[dtype]
