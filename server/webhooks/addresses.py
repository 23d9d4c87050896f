"""Which addresses a stranger's URL may lead us to.

Source: the IANA registries of special-purpose IPv4 and IPv6 addresses. They are written out here,
because what Python calls private differs between its versions.
"""

import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
"""From a host name and a port to every address of it; raises ``OSError`` if there is none."""

_NOWHERE = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this host
            "169.254.0.0/16",  # link-local: where clouds hand out their machines' credentials
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)
"""Nobody's receiver is there, in a private network neither."""

_PRIVATE = tuple(
    map(
        IPv4Network,
        (
            "10.0.0.0/8",
            "100.64.0.0/10",  # behind a carrier's NAT
            "127.0.0.0/8",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
        ),
    )
)

_NOWHERE_V6 = tuple(map(IPv6Network, ("::/128", "fe80::/10", "ff00::/8")))
_GLOBAL_V6 = IPv6Network("2000::/3")
_NOT_GLOBAL_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocols, Teredo among them, which holds an IPv4 address
            "2001:db8::/32",
            "2002::/16",  # 6to4, which holds one too
            "3fff::/20",
        ),
    )
)
_HOLDS_V4 = tuple(map(IPv6Network, ("::ffff:0:0/96", "64:ff9b::/96")))
"""IPv4 in IPv6's clothes, and the way to IPv4 from a network without it: the last 32 bits count."""


def is_allowed(address: Address, *, allow_private: bool) -> bool:
    """Whether to connect there.

    Args:
        address: as it will be connected to.
        allow_private: whether receivers may be in our own network, or on this very machine.
    """
    if isinstance(address, IPv6Address):
        if any(address in network for network in _HOLDS_V4):
            return is_allowed(IPv4Address(int(address) & 0xFFFFFFFF), allow_private=allow_private)
        is_global = address in _GLOBAL_V6 and not any(address in one for one in _NOT_GLOBAL_V6)
        return is_global or (allow_private and not any(address in one for one in _NOWHERE_V6))
    if any(address in network for network in _NOWHERE):
        return False
    return allow_private or not any(address in network for network in _PRIVATE)


class SystemResolver:
    """Asks the system's resolver, in threads that are left behind if nobody waits any more.

    Args:
        at_once: how many may be asking: threads of their own, so that nothing else waits for them.
    """

    def __init__(self, at_once: int = 32) -> None:
        self._limiter = CapacityLimiter(at_once)

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        """Every address of a name.

        Raises:
            OSError: the name is not known, or nobody could be asked.
        """
        found = await run_sync(
            lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM),
            abandon_on_cancel=True,
            limiter=self._limiter,
        )
        return [ip_address(str(where[0])) for *_, where in found]
