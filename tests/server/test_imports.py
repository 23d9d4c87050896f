"""The server process stays light."""

import subprocess
import sys

HEAVY = ("torch", "torch_geometric", "mediapipe", "av", "cv2", "matplotlib")


def test_loads_nothing_that_lifts() -> None:
    modules = "server, server.app, server.serving"
    program = f"import {modules}, sys; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
