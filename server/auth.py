"""Who asks: everybody with a key has jobs of their own, and sees no others."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Depends, Request

from core import errors
from core.errors import ApiKeyInvalid, ApiKeyRequired
from server.addresses import client_name, comes_over_network
from server.lingering import expect_body
from server.problems import described
from server.services import Services, Use

KEY_ERRORS = described(errors.ApiKeyRequired, errors.ApiKeyInvalid)
"""For the OpenAPI document: what every route that asks for a key may answer."""

SECURITY_SCHEMES: dict[str, Any] = {
    "ApiKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key made by `poselift keys create`; needed once there is any.",
    }
}
"""For the OpenAPI document."""
OPTIONAL_SECURITY: list[dict[str, Any]] = [{}, {"ApiKey": []}]

_BODIES = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True)
class Caller:
    """Who sent a request.

    Attributes:
        key_id: of their key; None where no keys are in use.
        name: what their quotas are counted under.
    """

    key_id: str | None
    name: str


async def identify(request: Request, services: Use) -> Caller:
    """Who asks, before anything else is looked at.

    Raises:
        ApiKeyRequired: there are keys, and none came; or there are none, and strangers could ask.
        ApiKeyInvalid: the key is unknown or revoked.
        StoreUnavailable: keys cannot be looked up.
    """
    has_body = request.method in _BODIES
    expect_body(request, unread=has_body)  # a refusal must reach clients that are still sending
    # Uploads wait for each other: who only looks must not wait for them.
    threads = services.claims if has_body else services.looks
    is_exposed = comes_over_network(request.scope) and not services.settings.insecure
    if await services.keys.is_empty(threads):
        if is_exposed:
            raise ApiKeyRequired(
                "This server has no API keys yet, so it serves its own machine only. Whoever runs "
                "it makes one with: poselift keys create NAME."
            )
        return Caller(None, f"address:{client_name(request.scope)}")
    key = await services.keys.find(_key_of(request), threads)
    if key is None:
        raise ApiKeyInvalid(
            "The server does not know this API key, or it was revoked. Send a valid one as "
            "'Authorization: Bearer ...'."
        )
    return Caller(key.id, f"key:{key.id}")


def _key_of(request: Request) -> str:
    authorization = request.headers.get("authorization")
    if authorization is None:
        raise ApiKeyRequired("Send your API key in the header 'Authorization: Bearer ...'.")
    scheme, _, text = authorization.partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


Asks = Annotated[Caller, Depends(identify)]
"""A route's parameter of this type gets who asks."""


async def _narrowed(services: Use, caller: Asks) -> Services:
    if caller.key_id is None:
        return services
    ledger = services.ledger.owned_by(caller.key_id)
    return replace(services, ledger=ledger, owner=caller.key_id)


UseOwn = Annotated[Services, Depends(_narrowed)]
"""A route's parameter of this type gets the services in the caller's eyes: with their jobs only.

Whatever is about jobs takes this, and not ``Use``, which sees everybody's.
"""
