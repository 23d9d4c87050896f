"""What every process in a box does: raises the walls, takes a file, answers about it."""

import json
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import asdict

from core.box.channel import Channel, Message
from core.box.limits import BoxLimits
from core.box.memory import mapped
from core.box.pages import Pages
from core.box.raising import die_with, raise_walls
from core.box.refusals import refusal
from core.errors import LiftError

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


def answer_each(channel: Channel, pages: Pages, reply: Callable[[Message], None]) -> None:
    """Answer one request after the other; what cannot be answered is refused with its code.

    Raises:
        EOFError: there will be no more.
    """
    while True:
        request = channel.receive()
        if request is None or pages.note(request):
            continue
        try:
            reply(request)
        except (LiftError, MemoryError) as error:
            channel.send(refusal(error))
