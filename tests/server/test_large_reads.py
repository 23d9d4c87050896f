"""Connections of one server read into one buffer, and none sees another's bytes."""

import asyncio
from typing import Any, cast

from server.connections import PatientProtocol
from server.large_reads import LargeReads


class Noting:
    """Keeps what it is handed, as the parser does: by copying it."""

    def __init__(self, *, app_state: dict[str, Any], notes: bytearray) -> None:
        self._notes = notes
        self.is_in_head = True

    def data_received(self, data: bytes) -> None:
        self._notes += data

    def connection_made(self, transport: object) -> None: ...
    def connection_lost(self, exc: Exception | None) -> None: ...
    def eof_received(self) -> None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...


def read(connection: LargeReads, content: bytes) -> None:
    """As an event loop does."""
    connection.get_buffer(-1)[: len(content)] = content
    connection.buffer_updated(len(content))


def test_two_connections_take_turns() -> None:
    noting, state = cast("type[PatientProtocol]", Noting), {"services": object()}
    notes = [bytearray(), bytearray()]
    one, two = (LargeReads(noting, app_state=state, notes=note) for note in notes)
    assert isinstance(one, asyncio.BufferedProtocol)
    assert one.get_buffer(-1).obj is two.get_buffer(-1).obj
    for content in (b"aaaa", b"b", b"cc"):
        read(one, content)
        read(two, content.upper())
    assert notes == [b"aaaabcc", b"AAAABCC"]


def test_only_bodies_are_read_by_the_megabyte() -> None:
    """A megabyte of short requests would be some sixty thousand of them, all kept at once."""
    connection = LargeReads(cast("type[PatientProtocol]", Noting), app_state={}, notes=bytearray())
    assert len(connection.get_buffer(-1)) == 64 << 10
    cast("Noting", connection._protocol).is_in_head = False
    assert len(connection.get_buffer(-1)) == 1 << 20
