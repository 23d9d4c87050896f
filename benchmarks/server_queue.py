"""Jobs by the thousand: sent, listed and polled while none of them runs."""

import time
from collections.abc import Iterator
from statistics import median

import httpx

from benchmarks.server_site import HEAD, ServerSite

CONTENT = HEAD + bytes(4000)
PAGE = 50
"""The API's own when none is asked for."""
_LOOKS = 5


def fill(site: ServerSite, count: int) -> tuple[list[str], float]:
    """Send so many jobs one after the other; their ids, and how many a second were accepted."""
    with httpx.Client(base_url=site.url, timeout=60) as api:
        began_s = time.perf_counter()
        ids = [_id(api.post("/jobs", content=CONTENT)) for _ in range(count)]
        return ids, count / (time.perf_counter() - began_s)


def first_page_ms(site: ServerSite) -> float:
    """How long the newest jobs take to be listed: the median of a few."""
    with httpx.Client(base_url=site.url, timeout=60) as api:
        return median(_first_page_ms(api) for _ in range(_LOOKS))


def list_all(site: ServerSite) -> tuple[int, float]:
    """How many jobs there are, page by page, and how long it took to read them all, in seconds."""
    with httpx.Client(base_url=site.url, timeout=60) as api:
        began_s = time.perf_counter()
        count = sum(_pages(api))
        return count, time.perf_counter() - began_s


def _first_page_ms(api: httpx.Client) -> float:
    began_s = time.perf_counter()
    api.get("/jobs", params={"limit": PAGE}).raise_for_status()
    return 1e3 * (time.perf_counter() - began_s)


def _pages(api: httpx.Client) -> Iterator[int]:
    cursor: str | None = ""
    while cursor is not None:
        page = api.get("/jobs", params={"limit": PAGE, "cursor": cursor}).raise_for_status().json()
        yield len(page["jobs"])
        cursor = page["next"]


def _id(answer: httpx.Response) -> str:
    return answer.raise_for_status().json()["id"]
