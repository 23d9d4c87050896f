"""The `poselift` command: finds the subcommand, imports that one module, and runs it.

Help and errors come at once because nothing else is imported. Every subcommand is a module with
``add_arguments(parser)`` and ``run(args) -> int``.
"""

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import NoReturn, Protocol, cast

from core.errors import LiftError, OptionError

COMMANDS = {
    "demo": "upload a real clip, watch it run, get poses and a picture",
    "up": "start everything here: Redis, the API and workers",
    "serve": "the HTTP API alone",
    "worker": "workers alone: one process per GPU, or on the CPU",
    "keys": "who may use the API: make, list and revoke keys",
    "submit": "send videos to a server, wait, and download the poses",
    "lift": "lift one video (or your own 2D keypoints) here, without a server",
    "show": "a picture and a video of a result",
    "assets": "fetch, verify and list the model files",
    "train": "train a lifter",
    "evaluate": "measure a lifter on held-out motion or a dataset",
    "calibrate": "make a lifter's stated uncertainty honest",
    "export": "a lifter as ONNX or TorchScript, for programs without PoseLift",
}
"""Name of each subcommand (and of its module in ``scripts``), and what it does."""

FAILED, BAD_USAGE, INTERRUPTED = 1, 2, 130


class Command(Protocol):
    """What a subcommand's module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> int: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Returns:
        The exit code: 0 success, 1 failure, 2 wrong usage, 130 interrupted.
    """
    try:
        status = _dispatch(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # The reader (`| head`) has gone; without this the interpreter complains while exiting.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def entry() -> NoReturn:
    """What the ``poselift`` command calls: ``main``, as a process of its own."""
    status = main()
    gc.freeze()  # looking through all that PyTorch made, only to end, takes 0.4 s
    sys.exit(status)


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(_help())
        return 0 if words else BAD_USAGE
    if words[0] in ("-V", "--version"):
        sys.stdout.write(f"poselift {_version()}\n")
        return 0
    if words[0] not in COMMANDS:
        sys.stderr.write(f"error: {_unknown(words[0])}\n")
        return BAD_USAGE
    try:
        return _run(words[0], words[1:])
    except KeyboardInterrupt:
        return INTERRUPTED
    except LiftError as error:
        sys.stderr.write(f"error: {error.title}: {error.detail} [{error.code}]\n")
        return BAD_USAGE if isinstance(error, OptionError) else FAILED
    except OSError as error:
        if error.filename is None:
            raise
        sys.stderr.write(f"error: {error.strerror}: {error.filename} [file_unusable]\n")
        return FAILED


def _run(name: str, rest: list[str]) -> int:
    command = cast(Command, import_module(f"scripts.{name}"))
    parser = argparse.ArgumentParser(
        # A shortened flag would mean something else once a longer one begins like it.
        prog=f"poselift {name}",
        description=COMMANDS[name],
        allow_abbrev=False,
    )
    command.add_arguments(parser)
    return command.run(parser.parse_args(rest))


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, text in COMMANDS.items()]
    return "\n".join(
        [
            "usage: poselift [--help] [--version] COMMAND ...",
            "",
            "Turn videos into 3D human pose tracks.",
            "",
            "commands:",
            *lines,
            "",
            "`poselift COMMAND --help` tells more about one of them.",
            "",
        ]
    )


def _unknown(word: str) -> str:
    if word.startswith("-"):
        return f"there is no option '{word}' here; see `poselift --help`"
    near = get_close_matches(word, COMMANDS, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"commands are: {', '.join(COMMANDS)}"
    return f"there is no command '{word}'; {hint}"


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("poselift")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "(not installed)"


if __name__ == "__main__":
    entry()
