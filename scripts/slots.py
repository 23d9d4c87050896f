"""Flags that say how many worker slots to start, and on what."""

import argparse
from collections.abc import Mapping

from worker.crew import Member
from worker.launcher import choose_gpus, find_gpus, member_of, plan_slots
from worker.settings import Device, WorkerSettings


def add_slot_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `--device`, `--gpus`, `--per-gpu` and `--workers`."""
    parser.add_argument(
        "--device",
        choices=[device.value for device in Device],
        help="auto takes the GPUs if there are any (default: POSELIFT_DEVICE, or auto)",
    )
    parser.add_argument("--gpus", default="all", help="all, or their numbers: 0,1 (default: all)")
    parser.add_argument(
        "--per-gpu", type=_positive, default=1, help="slots on each GPU (default: 1)"
    )
    parser.add_argument(
        "--workers", type=_positive, default=1, help="slots on the CPU, if on the CPU (default: 1)"
    )


def slot_members(
    args: argparse.Namespace, environment: Mapping[str, str], *, poses: bool
) -> list[Member]:
    """The processes that the flags ask for.

    Args:
        args: with the flags of :func:`add_slot_arguments`.
        environment: ours, which the children inherit.
        poses: one more slot, for single pictures.

    Raises:
        ConfigInvalid: a GPU is asked for that is not there.
    """
    device = WorkerSettings.read(device=args.device).device
    found = [] if device is Device.CPU else find_gpus(environment)
    gpus = choose_gpus(args.gpus, found) if found or args.gpus != "all" else []
    plans = plan_slots(device, gpus, per_gpu=args.per_gpu, on_cpu=args.workers, poses=poses)
    return [member_of(plan, environment) for plan in plans]


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
