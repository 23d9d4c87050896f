"""Which slots a machine gets."""

import sys

import pytest

from core.contracts import LIFT_QUEUE, POSE_QUEUE
from core.errors import ConfigInvalid
from worker.launcher import Gpu, choose_gpus, find_gpus, member_of, parse_gpus, plan_slots
from worker.settings import Device

TWO = [Gpu("0", 24_000), Gpu("1", 24_000)]


def test_one_process_per_slot_each_sees_one_gpu():
    plans = plan_slots(Device.AUTO, TWO, per_gpu=2)
    assert [(plan.name, plan.visible_gpu) for plan in plans] == [
        ("gpu0-0", "0"),
        ("gpu0-1", "0"),
        ("gpu1-0", "1"),
        ("gpu1-1", "1"),
    ]
    assert {plan.queue for plan in plans} == {LIFT_QUEUE}


def test_slots_that_share_a_gpu_share_its_memory():
    alone = plan_slots(Device.AUTO, TWO)
    assert [plan.vram_budget_mib for plan in alone] == [None, None]
    shared = plan_slots(Device.AUTO, TWO, per_gpu=2, poses=True)
    on_first = [plan for plan in shared if plan.visible_gpu == "0"]
    assert [plan.queue for plan in on_first] == [LIFT_QUEUE, LIFT_QUEUE, POSE_QUEUE]
    assert sum(plan.vram_budget_mib or 0 for plan in on_first) <= 0.85 * 24_000


def test_without_a_gpu_the_cpu_works():
    plans = plan_slots(Device.AUTO, [], on_cpu=2, poses=True)
    assert [(plan.name, plan.device) for plan in plans] == [
        ("cpu-0", Device.CPU),
        ("cpu-1", Device.CPU),
        ("poses", Device.CPU),
    ]
    assert plan_slots(Device.CPU, TWO)[0].visible_gpu == ""


def test_a_gpu_that_is_not_there_is_said_so():
    with pytest.raises(ConfigInvalid, match="no NVIDIA GPU"):
        plan_slots(Device.CUDA, [])
    with pytest.raises(ConfigInvalid, match="found: 0, 1"):
        choose_gpus("2", TWO)
    with pytest.raises(ConfigInvalid):
        choose_gpus("", TWO)


def test_gpus_are_chosen_by_index():
    assert choose_gpus("all", TWO) == TWO
    assert choose_gpus("1, 1", TWO) == [TWO[1]]


def test_the_drivers_listing_is_read_and_noise_is_not():
    listing = "0, 143771, GPU-a\n1, 24564, GPU-b\n\nNo devices were found\n"
    assert parse_gpus(listing) == [Gpu("0", 143771, "GPU-a"), Gpu("1", 24564, "GPU-b")]


def test_gpus_hidden_by_the_user_stay_hidden(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho '0, 1000, GPU-a'\necho '1, 2000, GPU-b'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert [gpu.index for gpu in find_gpus({})] == ["0", "1"]
    assert [gpu.index for gpu in find_gpus({"CUDA_VISIBLE_DEVICES": "1"})] == ["1"]
    assert [gpu.index for gpu in find_gpus({"CUDA_VISIBLE_DEVICES": "GPU-b"})] == ["1"]
    assert find_gpus({"CUDA_VISIBLE_DEVICES": ""}) == []


def test_a_driver_that_fails_means_no_gpu(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert find_gpus({}) == []


def test_the_child_is_told_its_gpu_and_its_share_unless_the_user_said_so():
    plan = plan_slots(Device.AUTO, TWO[:1], per_gpu=2, cores=9)[1]
    member = member_of(plan, {})
    assert member.environment == {
        "CUDA_VISIBLE_DEVICES": "0",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "POSELIFT_DEVICE": "cuda",
        "POSELIFT_VRAM_BUDGET_MIB": "10200",
        "POSELIFT_THREADS": "4",
    }
    assert list(member.command[:4]) == [sys.executable, "-P", "-m", "worker"]
    assert (
        "POSELIFT_VRAM_BUDGET_MIB"
        not in member_of(plan, {"POSELIFT_VRAM_BUDGET_MIB": "1"}).environment
    )


@pytest.mark.parametrize(("slots", "threads"), [(1, 8), (2, 4), (3, 2), (20, 1)])
def test_lift_slots_share_the_cores(slots, threads):
    plans = plan_slots(Device.CPU, [], on_cpu=slots, poses=True, cores=8)
    assert [plan.threads for plan in plans] == [threads] * slots + [1]
    on_gpu = plan_slots(Device.AUTO, TWO, per_gpu=slots, cores=16)
    assert {plan.threads for plan in on_gpu} == {threads}
    assert member_of(plans[0], {}).environment["POSELIFT_THREADS"] == str(threads)
    assert "POSELIFT_THREADS" not in member_of(plans[0], {"POSELIFT_THREADS": "3"}).environment


def test_choosing_slots_loads_neither_torch_nor_cuda():
    import subprocess

    code = "import worker.launcher, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
