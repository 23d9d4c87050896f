"""Which webhook URLs are accepted with a job."""

from dataclasses import dataclass
from ipaddress import ip_address

import httpx

from core.errors import WebhooksDisabled, WebhookUrlInvalid
from server.settings import ServerSettings
from server.webhooks.addresses import is_allowed

_LONGEST = 2000
_PORTS = range(1, 65536)


@dataclass(frozen=True)
class WebhookRules:
    """What the operator allows.

    Attributes:
        is_on: whether there is a secret to sign with.
        allow_private: whether receivers may be in our own network, and do without TLS.
    """

    is_on: bool
    allow_private: bool

    def check(self, text: str) -> str:
        """The URL, if a message may be sent there; where its name leads is looked at then.

        Raises:
            WebhooksDisabled: no webhooks are sent here at all.
            WebhookUrlInvalid: it is no URL, or one that is never told anything.
        """
        if not self.is_on:
            raise WebhooksDisabled(
                "Leave 'webhook_url' out; or have the operator set POSELIFT_WEBHOOK_SECRET."
            )
        if not 1 <= len(text) <= _LONGEST:
            raise WebhookUrlInvalid(f"A webhook_url has 1 to {_LONGEST} characters.")
        try:
            url = httpx.URL(text)
        except httpx.InvalidURL:
            raise WebhookUrlInvalid("'webhook_url' is not a URL.") from None
        self._check_parts(text, url)
        return text

    def _check_parts(self, text: str, url: httpx.URL) -> None:
        schemes = ("https", "http") if self.allow_private else ("https",)
        if url.scheme not in schemes or not url.host:
            raise WebhookUrlInvalid(f"A webhook_url begins with '{schemes[0]}://' and a host.")
        if any(character.isspace() for character in text):
            raise WebhookUrlInvalid("A webhook_url holds no white space.")
        if url.port is not None and url.port not in _PORTS:
            raise WebhookUrlInvalid("The port in 'webhook_url' is not one.")
        if url.userinfo:
            raise WebhookUrlInvalid(
                "A webhook_url holds no user or password; messages are signed instead."
            )
        if "#" in text:
            raise WebhookUrlInvalid("A webhook_url holds no fragment ('#').")
        try:
            address = ip_address(url.host)
        except ValueError:
            return  # a name
        if not is_allowed(address, allow_private=self.allow_private):
            raise WebhookUrlInvalid("The address in 'webhook_url' cannot be reached from here.")


def webhook_rules(settings: ServerSettings) -> WebhookRules:
    """The rules of a server."""
    return WebhookRules(
        is_on=settings.webhook_keys is not None, allow_private=settings.webhook_allow_private
    )
