"""Addresses: which are this machine's own, and which count as one client."""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from starlette.types import Scope


def is_loopback(host: str) -> bool:
    """Whether whoever connects to this address or name must be on this machine."""
    address = parse_address(host)
    if address is not None:
        return address.is_loopback
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all((parse_address(str(place[0])) or _ANYWHERE).is_loopback for *_, place in found)


def comes_over_network(scope: Scope) -> bool:
    """Whether a request came to an address that other machines can reach.

    What did not come to an address at all came over a Unix socket or from within the process.
    """
    local, _ = scope.get("server") or ("", None)
    address = parse_address(local)
    return address is not None and not address.is_loopback


def client_name(scope: Scope) -> str:
    """What to count a client under that has no key: its address.

    An IPv6 host has as many addresses as it wants in its own /64; all of them are one client.
    """
    host, _ = scope.get("client") or ("", 0)
    address = parse_address(host)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 64), strict=False))
    return "local" if address is None else str(address)


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """The IP address that this is; None for a name."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


_ANYWHERE = IPv4Address(0)
