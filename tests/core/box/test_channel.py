"""Messages arrive whole, and what is none is nonsense."""

import socket

import pytest

from core.box.channel import Channel, Nonsense


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    yield Channel(ours), theirs
    ours.close()
    theirs.close()


def test_messages_arrive_whole_and_in_order(ends):
    channel, other = ends
    there = Channel(other)
    for number in range(50):
        there.send({"number": number, "time_s": number / 7})
    assert [channel.receive()["time_s"] for _ in range(50)] == [n / 7 for n in range(50)]
    assert channel.receive(timeout_s=0.0) is None
    other.sendall(b"\0\0\0\x0a" + b'{"x"')
    assert channel.receive(timeout_s=0.0) is None
    other.sendall(b": 15}")
    assert channel.receive(timeout_s=0.0) is None
    other.sendall(b" ")
    assert channel.receive() == {"x": 15}
    other.close()
    with pytest.raises(EOFError):
        channel.receive()


@pytest.mark.parametrize(
    "content",
    [
        b"\0\0\0\2{]",
        b"\0\0\xea\x60" + b"[" * 60_000,
        b"\xff\xff\xff\xff",
        b"\0\0\0\2[]",
        b"\0\0\0\1\xff",
        b"\0\0\0\0",
    ],
)
def test_what_is_no_message(ends, content):
    channel, other = ends
    other.sendall(content)
    with pytest.raises(Nonsense):
        channel.receive()
