"""One request to an address that strangers choose: checked, bounded, and read no further than need.

Anybody who may send us a job may name a URL, and we sit where they do not. So the name is resolved
here, every address of it is checked, and the connection goes to a checked address and not to the
name, which could lead elsewhere a moment later. The transport below httpx's client is used by
itself: it knows no redirects, no cookies, and no proxies from the environment.
"""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

import httpx

from server.webhooks.addresses import Address, Resolve, is_allowed

_MOST_ADDRESSES = 3
"""A name with many addresses is tried at the first few."""


class Trouble(StrEnum):
    """Why there was no answer, in a word that the job's owner is shown."""

    NAME_UNKNOWN = "name_unknown"
    ADDRESS_REFUSED = "address_refused"
    UNREACHABLE = "unreachable"
    CERTIFICATE = "certificate_invalid"
    TIMEOUT = "timeout"
    BROKEN_OFF = "broken_off"
    """The receiver ended the connection, or answered with something that is not HTTP."""


@dataclass(frozen=True)
class Answer:
    """What came back: a status, or why none did."""

    status: int | None = None
    trouble: Trouble | None = None

    @property
    def is_yes(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        return self.status == HTTPStatus.GONE


class Poster:
    """Posts to one URL after the other, on a connection of its own each; an async context manager.

    Args:
        resolve: where names lead.
        allow_private: whether to go to private addresses too.
        total_s: for everything, from the name to the answer's status.
        connect_s: for connecting to one address.
        tls: whose certificates to believe; those of browsers and of this machine if left out.
    """

    def __init__(
        self,
        *,
        resolve: Resolve,
        allow_private: bool,
        total_s: float = 15.0,
        connect_s: float = 5.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._resolve = resolve
        self._allow_private = allow_private
        self._total_s = total_s
        self._timeouts = httpx.Timeout(total_s, connect=connect_s).as_dict()
        self._transport = httpx.AsyncHTTPTransport(
            verify=tls or _usual_tls(),
            trust_env=False,
            # An idle connection to an address is found again by that address alone, and would be
            # taken for another name that leads there too, whose certificate nobody checked.
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def aclose(self) -> None:
        """Close what is still open."""
        await self._transport.aclose()

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """Send, and report the status; of the answer's body nothing is read. Never raises."""
        try:
            async with asyncio.timeout(self._total_s):
                target = httpx.URL(url)
                port = target.port or {"http": 80, "https": 443}[target.scheme]
                addresses = await self._resolve(target.raw_host.decode(), port)
                if not all(is_allowed(one, allow_private=self._allow_private) for one in addresses):
                    return Answer(trouble=Trouble.ADDRESS_REFUSED)
                return await self._post_to_any(addresses, target, headers, body)
        except TimeoutError:
            return Answer(trouble=Trouble.TIMEOUT)
        except (OSError, UnicodeError, httpx.InvalidURL):
            return Answer(trouble=Trouble.NAME_UNKNOWN)

    async def _post_to_any(
        self, addresses: Sequence[Address], url: httpx.URL, headers: dict[str, str], body: bytes
    ) -> Answer:
        answer = Answer(trouble=Trouble.NAME_UNKNOWN)
        for address in list(dict.fromkeys(addresses))[:_MOST_ADDRESSES]:
            try:
                return await self._post_to(address, url, headers, body)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                answer = Answer(trouble=_trouble(error))  # nothing was sent: go on to the next
            except httpx.TransportError as error:
                return Answer(trouble=_trouble(error))
        return answer

    async def _post_to(
        self, address: Address, url: httpx.URL, headers: dict[str, str], body: bytes
    ) -> Answer:
        request = httpx.Request(
            "POST",
            url.copy_with(host=str(address)),
            headers=headers | {"Host": url.netloc.decode("ascii"), "Connection": "close"},
            content=body,
            # The certificate must be that of the name.
            extensions={"timeout": self._timeouts, "sni_hostname": url.raw_host.decode("ascii")},
        )
        response = await self._transport.handle_async_request(request)
        try:
            return Answer(status=response.status_code)
        finally:
            await response.aclose()


def _usual_tls() -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def _trouble(error: httpx.TransportError) -> Trouble:
    if isinstance(error, httpx.TimeoutException):
        return Trouble.TIMEOUT
    if not isinstance(error, httpx.ConnectError):
        return Trouble.BROKEN_OFF
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return Trouble.CERTIFICATE
        cause = cause.__cause__ or cause.__context__
    return Trouble.UNREACHABLE
