"""The benchmark of the API, in small and with everything real."""

import socket
import subprocess
import sys

import pytest

from benchmarks.server import Plan, measure
from benchmarks.server_site import HEAD
from benchmarks.server_upload import make_content


@pytest.mark.timeout(300)
def test_everything_is_measured_with_one_process_and_with_two():
    found = measure(Plan(upload_mib=2, rounds=1, connections=2, seconds=0.2, jobs=6))
    numbers = {str(row["what"]): row["value"] for row in found.rows}
    assert numbers["upload: upload_mib"] == 2
    assert numbers["queue: jobs listed"] == 7  # those of the queue, and one that was polled
    assert all(value > 0 for name, value in numbers.items() if "answers a second" in name)
    assert set(found.at_most) <= set(found.ratios)
    assert all(value >= 0 for value in found.ratios.values())


def test_the_content_begins_like_a_video_and_is_as_long_as_asked_for(tmp_path):
    content = make_content(tmp_path / "a.mp4", 100_000).read_bytes()
    assert len(content) == 100_000
    assert content.startswith(HEAD)
    assert len(set(content)) == 256


def test_the_raw_copy_writes_what_it_is_sent(tmp_path):
    content, target = bytes(range(256)) * 3000, tmp_path / "copy"
    command = [sys.executable, "-m", "benchmarks.server_copy", str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        address = ("127.0.0.1", int(process.stdout.readline()))
        for _ in range(2):
            with socket.create_connection(address) as connection:
                connection.sendall(content)
                connection.shutdown(socket.SHUT_WR)
                assert connection.recv(1) == b"!"
            assert target.read_bytes() == content
        process.communicate()
    assert process.returncode == 0
