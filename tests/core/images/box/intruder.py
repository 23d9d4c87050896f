"""What a picture might turn its decoder into: the "picture" says which misdeed is done.

Runs in a box, in the decoder's place: ``ImageBoxes(module="tests.core.images.box.intruder")``.
"""

import os
import sys
import time

from core.box.channel import Channel
from core.box.pages import Pages
from core.images.box.inside import answer, main
from tests.core.video.box.intruder import FATAL

LIES = {
    "too large": {"size": [50_000, 50_000]},
    "half": {"size": [2000, 2000]},  # takes three slots
}


def serve(file: int, channel: Channel, pages: Pages) -> None:
    order = os.pread(file, 100, 0).decode(errors="replace")
    if order in FATAL:
        FATAL[order](channel)
    elif order == "dawdle":
        channel.receive()
        channel.send({"picture": {"size": [6000, 6000]}})  # takes 26 slots
        for _ in range(25):
            time.sleep(0.4)
            channel.send({"more": True})
    elif order in LIES:
        channel.receive()
        channel.send({"picture": LIES[order]})
        channel.send({"end": True})
        channel.receive()
    else:
        answer(file, channel, pages)  # an honest picture


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], serve))
