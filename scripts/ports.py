"""Ports to listen on."""

import socket

from core.errors import ConfigInvalid


def claim_port(host: str, port: int) -> int:
    """The port if it is free; for 0, one that is.

    Raises:
        ConfigInvalid: somebody listens there, or there is no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            raise ConfigInvalid(
                f"Port {port} on {host} cannot be used ({error}); choose another with --port."
            ) from None
        return probe.getsockname()[1]
