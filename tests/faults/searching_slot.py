"""``python -m tests.faults.searching_slot NAME``: a real slot; only the search is made up.

- ``FAULT_SEARCHED`` names a file that gets a line for each frame that is searched;
- ``FAULT_FRAME_S`` makes each of them take so long;
- ``FAULT_HANG_AT`` is a frame from which the search never comes back;
- ``FAULT_LIFTER`` has the real lifter lift.

A video that ends in one of these words behaves accordingly:

- ``POISON`` kills the process, as a fault in native code does;
- ``FULL`` cannot be written: no file may become larger than 64 KiB meanwhile.
"""

import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

from core.contracts import LIFT_QUEUE
from core.pipeline import LiftSummary
from tests.worker.searching_runtime import SearchingRuntime
from worker import slot
from worker.leash import follow_parent
from worker.logs import set_up_logging
from worker.settings import WorkerSettings

POISON, FULL = b"POISON", b"FULL"
SMALL_BYTES = 64 << 10


def on_frame(index: int) -> None:
    with Path(os.environ["FAULT_SEARCHED"]).open("a") as searched:
        searched.write(f"{index}\n")
    time.sleep(float(os.environ.get("FAULT_FRAME_S", "0")))
    while index == int(os.environ.get("FAULT_HANG_AT", "-1")):
        time.sleep(1)


class FaultyRuntime(SearchingRuntime):
    """Does what the last word of a video says."""

    def lift_video(self, video: Path, *arguments: Any, **more: Any) -> LiftSummary:
        content = video.read_bytes()
        if content.endswith(POISON):
            os.kill(os.getpid(), signal.SIGSEGV)
        if not content.endswith(FULL):
            return super().lift_video(video, *arguments, **more)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_BYTES, hard))
        try:
            return super().lift_video(video, *arguments, **more)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


if __name__ == "__main__":
    follow_parent()
    settings = WorkerSettings.read()
    set_up_logging("INFO", name=sys.argv[1])
    slot.SWEEP_S = 0.2
    runtime = FaultyRuntime(on_frame=on_frame)
    if "FAULT_LIFTER" in os.environ:
        from tests.faults.lifting import real_lift

        runtime.lift = real_lift()
    slot.Slot(settings, name=sys.argv[1], queue_name=LIFT_QUEUE, runtime=runtime).run()
