"""``python -m worker``: one slot in this process. Started by the launcher, with its GPU chosen."""

import argparse
import logging
import sys
import time
from collections.abc import Sequence

from core.contracts import LIFT_QUEUE, POSE_QUEUE
from core.errors import LiftError
from worker.crew import CANNOT_START
from worker.leash import follow_parent
from worker.logs import set_up_logging
from worker.settings import WorkerSettings

log = logging.getLogger("worker")

TRY_AGAIN = 75


def main(argv: Sequence[str] | None = None) -> int:
    """Load the runtime, then work until a signal.

    Returns:
        The exit status: 0 stopped as asked, 75 may succeed if started again, 78 cannot start.
    """
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    parser.add_argument("--name", default="slot", help="unique on this machine")
    parser.add_argument("--queue", choices=[LIFT_QUEUE, POSE_QUEUE], default=LIFT_QUEUE)
    args = parser.parse_args(argv)
    follow_parent()
    try:
        settings = WorkerSettings.read()
        set_up_logging(settings.log_level, name=args.name, log_format=settings.log_format)
        _work(settings, args.name, args.queue)
    except LiftError as error:
        sys.stderr.write(f"error: {error.title}: {error.detail} [{error.code}]\n")
        return TRY_AGAIN if error.retriable else CANNOT_START
    except KeyboardInterrupt:
        return 130
    return 0


def _work(settings: WorkerSettings, name: str, queue_name: str) -> None:
    started_at = time.monotonic()
    # Imported here: torch must not be loaded before the settings are known to be good.
    from worker.slot import Slot, load_runtime

    with load_runtime(settings, queue_name) as runtime:
        loaded_s = time.monotonic() - started_at
        log.info("runtime loaded device=%s in %.1f s", runtime.device, loaded_s)
        if queue_name == POSE_QUEUE:
            log.info("pictures are decoded in %s", runtime.image_decoder)
        else:
            log.info("videos are decoded in %s", runtime.decoder)
        Slot(settings, name=name, queue_name=queue_name, runtime=runtime).run()


if __name__ == "__main__":
    sys.exit(main())
