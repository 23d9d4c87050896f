"""Which slots a machine gets, and the command that starts each: one process, pinned to one GPU.

Nothing here touches CUDA: GPUs are counted by asking the driver's own tool, and a child sees only
the GPU it is given, because the variable is in its environment before it imports torch.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.contracts import LIFT_QUEUE, POSE_QUEUE
from core.cores import usable_cores
from core.errors import ConfigInvalid
from worker.crew import Member
from worker.settings import Device

SHARED_FRACTION = 0.85
"""Of a GPU's memory, when several slots divide it; contexts and kernels need the rest."""


@dataclass(frozen=True)
class Gpu:
    """One GPU as the driver counts it, and its memory.

    Attributes:
        index: its number, in the order of the PCI bus.
        memory_mib: all of its memory.
        uuid: its other name, by which some schedulers hand it out.
    """

    index: str
    memory_mib: int
    uuid: str = ""


@dataclass(frozen=True)
class SlotPlan:
    """One process to start.

    Attributes:
        name: short and unique on this machine.
        queue: the queue it serves.
        device: what it runs on, ``cpu`` or ``cuda``.
        visible_gpu: value of ``CUDA_VISIBLE_DEVICES``; empty hides all of them.
        vram_budget_mib: its share, if it must share.
        threads: its share of the processor's cores.
    """

    name: str
    queue: str
    device: Device
    visible_gpu: str = ""
    vram_budget_mib: int | None = None
    threads: int = 1


def find_gpus(environment: Mapping[str, str]) -> list[Gpu]:
    """The NVIDIA GPUs this process may use, without initialising any."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    query = [tool, "--query-gpu=index,memory.total,uuid", "--format=csv,noheader,nounits"]
    try:
        reply = subprocess.run(query, capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return []
    gpus = parse_gpus(reply.stdout) if reply.returncode == 0 else []
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return gpus
    allowed = [part.strip() for part in visible.split(",")]
    return [gpu for gpu in gpus if gpu.index in allowed or gpu.uuid in allowed]


def parse_gpus(listing: str) -> list[Gpu]:
    """GPUs from lines of ``index, memory in MiB, uuid``; anything else in them is no GPU."""
    rows = [[part.strip() for part in line.split(",")] for line in listing.splitlines()]
    return [
        Gpu(row[0], int(row[1]), row[2]) for row in rows if len(row) == 3 and row[1].isdecimal()
    ]


def choose_gpus(wish: str, found: Sequence[Gpu]) -> list[Gpu]:
    """The GPUs that ``all`` or ``0,2`` means.

    Raises:
        ConfigInvalid: one of them is not there.
    """
    if wish == "all":
        return list(found)
    by_index = {gpu.index: gpu for gpu in found}
    wanted = [part.strip() for part in wish.split(",") if part.strip()]
    missing = [index for index in wanted if index not in by_index]
    if missing or not wanted:
        there = ", ".join(by_index) or "none"
        raise ConfigInvalid(f"--gpus {wish}: there is no such GPU here; found: {there}.")
    return [by_index[index] for index in dict.fromkeys(wanted)]


def plan_slots(
    device: Device,
    gpus: Sequence[Gpu],
    *,
    per_gpu: int = 1,
    on_cpu: int = 1,
    poses: bool = False,
    cores: int | None = None,
) -> list[SlotPlan]:
    """Which slots to start.

    Args:
        device: ``auto`` uses the GPUs if there are any.
        gpus: those to use.
        per_gpu: lift slots on each GPU.
        on_cpu: lift slots, if they run on the CPU.
        poses: one more slot, for single pictures.
        cores: of the processor, which the lift slots share; those that we may use by default.

    Raises:
        ConfigInvalid: a GPU is asked for and there is none.
    """
    if device is Device.CUDA and not gpus:
        raise ConfigInvalid("--device cuda: no NVIDIA GPU was found on this machine.")
    on_gpu = device is not Device.CPU and bool(gpus)
    lifting = per_gpu * len(gpus) if on_gpu else on_cpu
    threads = max(1, (cores or usable_cores()) // max(1, lifting))
    if not on_gpu:
        plans = [
            SlotPlan(f"cpu-{n}", LIFT_QUEUE, Device.CPU, threads=threads) for n in range(on_cpu)
        ]
        return [*plans, SlotPlan("poses", POSE_QUEUE, Device.CPU)] if poses else plans
    first, plans = gpus[0], []
    for gpu in gpus:
        sharing = per_gpu + (poses and gpu is first)
        budget = int(SHARED_FRACTION * gpu.memory_mib / sharing) if sharing > 1 else None
        plans += [
            SlotPlan(f"gpu{gpu.index}-{n}", LIFT_QUEUE, Device.CUDA, gpu.index, budget, threads)
            for n in range(per_gpu)
        ]
        if poses and gpu is first:
            plans.append(SlotPlan("poses", POSE_QUEUE, Device.CUDA, gpu.index, budget))
    return plans


def member_of(plan: SlotPlan, environment: Mapping[str, str]) -> Member:
    """The process for a slot; what the user set in the environment stands."""
    added = {
        "CUDA_VISIBLE_DEVICES": plan.visible_gpu,
        # The driver's tool counts along the bus; CUDA by itself puts the fastest first.
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "POSELIFT_DEVICE": plan.device.value,
    }
    if plan.vram_budget_mib is not None and "POSELIFT_VRAM_BUDGET_MIB" not in environment:
        added["POSELIFT_VRAM_BUDGET_MIB"] = str(plan.vram_budget_mib)
    if "POSELIFT_THREADS" not in environment:
        added["POSELIFT_THREADS"] = str(plan.threads)
    # -P: a folder called `worker` where the user happens to be must not be imported.
    command = [sys.executable, "-P", "-m", "worker", "--name", plan.name, "--queue", plan.queue]
    return Member(plan.name, command, added)
