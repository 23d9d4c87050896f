"""Ways to send an upload, and a look at what it left."""

from pathlib import Path

import httpx

from server.settings import ServerSettings
from tests.server.clips import MP4


def stored(settings: ServerSettings) -> list[Path]:
    return [path for path in settings.data_dir.rglob("*") if path.is_file()]


def nothing_was_kept(api: httpx.Client, settings: ServerSettings) -> bool:
    return stored(settings) == [] and api.get("/jobs").json()["jobs"] == []


def send(api: httpx.Client, content: bytes = MP4, **options: str) -> httpx.Response:
    return api.post("/jobs", files={"file": ("clip.mp4", content)}, data=options)


def form(*parts: tuple[str, str | None, bytes]) -> dict[str, object]:
    """A multipart body with its parts in the given order."""
    boundary, body = "frontier", b""
    for name, filename, content in parts:
        named = f'name="{name}"' + (f'; filename="{filename}"' if filename else "")
        body += f"--{boundary}\r\nContent-Disposition: form-data; {named}\r\n\r\n".encode()
        body += content + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    return {
        "content": body,
        "headers": {"Content-Type": f"multipart/form-data; boundary={boundary}"},
    }
