"""Fixtures that every test may use; array shapes in signatures are checked while tests run."""

import signal

from hypothesis import settings
from jaxtyping import install_import_hook

import tests.shape_checks  # noqa: F401  the hook finds it by name

install_import_hook(["core"], "tests.shape_checks.checked")

# How long an example takes says how busy the machine is, and decides nothing.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

pytest_plugins = ["tests.asset_fixtures", "tests.store_fixtures", "tests.tracing"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that runs us in the background has it ignored, and so would every process that the
    # tests start and stop with Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
