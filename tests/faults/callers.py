"""Clients with keys of their own, and clients from elsewhere."""

import asyncio
from typing import Any

import httpx
from redis import Redis

from core.store.api_keys import ApiKeys
from server.connections import PatientProtocol
from tests.server.clips import MP4


def client(url: str, key: str | None = None, **headers: str) -> httpx.Client:
    """Sends the key with every request."""
    sent = headers if key is None else {"Authorization": f"Bearer {key}"} | headers
    return httpx.Client(base_url=url, timeout=60, headers=sent)


def new_key(redis: Redis, name: str = "test") -> str:
    return ApiKeys(redis).create(name)[1]


def id_of(key: str) -> str:
    return key.split("_")[1]


def submit(api: httpx.Client, **headers: str) -> str:
    answer = api.post("/jobs", files={"file": ("clip.mp4", MP4)}, headers=headers)
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


class FromElsewhere(PatientProtocol):
    """As if the client were on another machine, and the server on the network."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.server, self.client = ("192.0.2.7", 8000), ("198.51.100.9", 50_000)


def unlike(answer: httpx.Response, *own: str) -> dict[str, Any]:
    """What an answer says, without its date and what is the question's own."""
    text = answer.text
    for each in own:
        text = text.replace(each, "OWN")
    headers = {name: value for name, value in answer.headers.items() if name != "date"}
    return {"status": answer.status_code, "headers": headers, "text": text}
