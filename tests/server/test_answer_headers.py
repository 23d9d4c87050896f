"""What browsers may do with our answers."""

import base64
import re
from collections.abc import Callable
from hashlib import sha256

import httpx
import pytest

from server.answer_headers import SAFE_HEADERS
from server.app import create_app
from server.settings import ServerSettings
from tests.server.clips import MP4
from tests.server.fake_worker import FakeWorker


@pytest.mark.parametrize("path", ["/jobs", "/jobs/feed", "/healthz", "/metrics", "/nowhere"])
def test_every_answer_is_private_and_shown_to_nobody(api: httpx.Client, path: str) -> None:
    answer = api.get(path)
    for name, value in SAFE_HEADERS.items():
        assert answer.headers[name] == value
    assert "server" not in answer.headers or "uvicorn" in answer.headers["server"]


def test_a_bugs_answer_too(settings: ServerSettings) -> None:
    import asyncio

    app = create_app(settings)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/broken")

    answer = asyncio.run(ask())
    assert answer.status_code == 500
    for name, value in SAFE_HEADERS.items():
        assert answer.headers[name] == value


def test_results_may_be_kept_by_the_client_that_asks_again(
    api: httpx.Client, worker: FakeWorker
) -> None:
    job_id = api.post("/jobs", content=MP4).json()["id"]
    worker.succeed(job_id)
    answer = api.get(f"/jobs/{job_id}/result")
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"


class TestDocs:
    def directives(self, answer: httpx.Response) -> dict[str, list[str]]:
        parts = [part.split() for part in answer.headers["content-security-policy"].split(";")]
        return {name: values for name, *values in parts}

    def test_the_page_runs_its_own_scripts_and_no_others(self, api: httpx.Client) -> None:
        page = api.get("/docs")
        policy = self.directives(page)
        assert policy["default-src"] == ["'none'"]
        inline = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
        assert len(inline) == 1
        digest = base64.b64encode(sha256(inline[0].encode()).digest()).decode()
        assert policy["script-src"] == ["'self'", f"'sha256-{digest}'"]
        assert not re.search(r"\son\w+=", page.text)
        for source in re.findall(r'src="([^"]+)"', page.text):
            assert source.startswith("/static-offline-docs/")

    def test_below_another_path_it_finds_its_files(self, settings: ServerSettings) -> None:
        import asyncio

        app = create_app(settings)
        app.root_path = "/poses"

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app, root_path="/poses")
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.get("/poses/docs")

        page = asyncio.run(ask())
        assert "/poses/openapi.json" in page.text
        assert "/poses/static-offline-docs/swagger-ui.css" in page.text


def test_the_document_says_where_a_key_is_needed(settings: ServerSettings) -> None:
    document = create_app(settings).openapi()
    assert document["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"
    needs: Callable[[str, str], bool] = lambda path, method: (  # noqa: E731
        "security" in document["paths"][path][method]
    )
    assert needs("/jobs", "post")
    assert needs("/metrics", "get")
    assert not needs("/healthz", "get")
    assert {"401", "429"} <= set(document["paths"]["/jobs"]["post"]["responses"])
