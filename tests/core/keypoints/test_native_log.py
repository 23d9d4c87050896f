"""Harmless chatter is held back, everything else comes through."""

import os

import pytest

from core.keypoints.native_log import quiet_native_log


def test_known_lines_are_dropped_and_others_kept_in_order(capfd):
    with quiet_native_log():
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")
        os.write(2, b"E0000 something is really wrong\n")
        os.write(2, b"W0000 Feedback manager requires a model with a single signature inference.\n")
        os.write(2, b"and without an end")
    assert capfd.readouterr().err == "E0000 something is really wrong\nand without an end"


def test_an_error_inside_comes_through_and_so_does_the_log(capfd):
    def fail():
        with quiet_native_log():
            os.write(2, b"the reason\n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "the reason\nafter\n"
