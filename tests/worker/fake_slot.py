"""``python -m tests.worker.fake_slot``: a real slot process with a runtime that only copies."""

import os
import sys
from pathlib import Path

from core.contracts import LIFT_QUEUE
from tests.worker.fake_runtime import FakeRuntime
from worker import slot
from worker.leash import follow_parent
from worker.logs import set_up_logging
from worker.settings import WorkerSettings

if __name__ == "__main__":
    follow_parent()
    settings = WorkerSettings.read()
    set_up_logging("INFO", name=sys.argv[1])
    with Path(os.environ["FAKE_LOADED"]).open("a") as loaded:
        loaded.write("loaded\n")
    slot.SWEEP_S = 0.2
    slot.Slot(settings, name=sys.argv[1], queue_name=LIFT_QUEUE, runtime=FakeRuntime()).run()
