"""What every process in a box does: raises the walls, takes a file, answers about it."""

import json
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import asdict

from core.box.channel import Channel
from core.box.limits import BoxLimits
from core.box.memory import mapped
from core.box.pages import Pages
from core.box.raising import die_with, raise_walls

Serves = Callable[[int, Channel, Pages], None]
"""Answers about an open file until nobody asks any more."""


def main(argv: Sequence[str], get_ready: Callable[[], None], serve: Serves) -> int:
    """Serve until the other side is gone.

    Args:
        argv: descriptors of our end of the channel and of the shared slots; limits, as JSON;
            whether to filter system calls.
        get_ready: loads all that decoding needs: once the walls stand nothing can be loaded.
        serve: answers about an open file.
    """
    connection, slots, limits = int(argv[0]), int(argv[1]), BoxLimits(**json.loads(argv[2]))
    channel = Channel(socket.socket(fileno=connection))
    pages = Pages(channel, mapped(slots))
    os.close(slots)
    get_ready()
    die_with(0)
    walls = raise_walls(limits, filtered=argv[3] == "filtered")
    try:
        channel.send({"walls": asdict(walls)})
        serve(channel.receive_file(), channel, pages)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return 0  # nobody waits for us any more
    return 0
