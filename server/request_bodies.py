"""What a request says: its video, the video's name and the options, in a form or raw."""

from dataclasses import dataclass
from urllib.parse import parse_qsl

from fastapi import Request

from core.contracts import BlobFacts, JobOptions
from core.errors import RequestInvalid, UploadMissing
from server.filenames import clean_filename, filename_of_header
from server.lingering import read_body
from server.multipart import PartBegin, PartBytes, PartEnd, is_multipart, read_parts
from server.receiving import Receiver
from server.webhooks.urls import WebhookRules

_LONGEST_FIELD_BYTES = 4096


@dataclass(frozen=True)
class Received:
    """A stored video and what was said about it."""

    filename: str
    options: JobOptions
    upload: BlobFacts
    webhook_url: str | None = None


async def receive(
    request: Request, receiver: Receiver, path_name: str | None, webhooks: WebhookRules
) -> Received:
    """Read the body to its end, the video into the receiver.

    Args:
        request: multipart, or a raw body with options in the query.
        receiver: takes the video.
        path_name: the file name at the end of the URL, if it has one there.
        webhooks: say whether a `webhook_url` is accepted.

    Raises:
        LiftError: the video, an option or the form was refused, or there is no video.
    """
    if is_multipart(request):
        return await _receive_form(request, receiver, webhooks)
    fields = _query(request)
    asked_name = fields.pop("filename", None)
    options, webhook_url = _parse(fields, webhooks)
    async for bit in read_body(request):
        await receiver.push(bit)
    named = (
        asked_name or path_name or filename_of_header(request.headers.get("content-disposition"))
    )
    return Received(clean_filename(named), options, await receiver.finish(), webhook_url)


def _parse(fields: dict[str, str], webhooks: WebhookRules) -> tuple[JobOptions, str | None]:
    """The webhook is not one of the options: those are saved in the result, for all to read."""
    webhook_url = fields.get("webhook_url")
    options = {name: value for name, value in fields.items() if name != "webhook_url"}
    return JobOptions.parse(options), None if webhook_url is None else webhooks.check(webhook_url)


async def _receive_form(request: Request, receiver: Receiver, webhooks: WebhookRules) -> Received:
    form = _Form(_query(request), webhooks)
    upload: BlobFacts | None = None
    async for event in read_parts(request):
        match event:
            case PartBegin():
                form.begin(event)
            case PartBytes(content) if form.in_file:
                await receiver.push(content)
            case PartBytes(content):
                form.add(content)
            case PartEnd() if form.in_file:
                upload = await receiver.finish()
                form.end()
            case PartEnd():
                form.end()
    if upload is None:
        raise UploadMissing("The form holds no part named 'file'. Send it as: -F file=@clip.mp4")
    options, webhook_url = _parse(form.fields, webhooks)
    return Received(clean_filename(form.filename), options, upload, webhook_url)


class _Form:
    """The fields of a form, which may come before or after its file."""

    def __init__(self, fields: dict[str, str], webhooks: WebhookRules) -> None:
        self.fields = fields
        self._webhooks = webhooks
        self.filename: str | None = fields.pop("filename", None)
        self.in_file = False
        self._had_file = False
        self._name = ""
        self._value = bytearray()

    def begin(self, part: PartBegin) -> None:
        self._name = part.name
        self._value.clear()
        self.in_file = part.name == "file"
        if not self.in_file:
            if part.filename is not None:
                raise UploadMissing(
                    f"The video came as '{part.name[:80]}'; the form's part must be called 'file': "
                    "-F file=@clip.mp4"
                )
            return
        if self._had_file:
            raise RequestInvalid("One request holds one video. Send each in a request of its own.")
        self._had_file = True
        self.filename = self.filename or part.filename
        _parse(self.fields, self._webhooks)  # a mistake in them should not cost a long upload

    def add(self, content: bytes) -> None:
        self._value += content
        if len(self._value) > _LONGEST_FIELD_BYTES:
            raise RequestInvalid(f"Field '{self._name[:80]}' is too long.")

    def end(self) -> None:
        if not self.in_file:
            self.fields[self._name] = self._value.decode("utf-8", "replace")
        self.in_file = False


def _query(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.url.query, keep_blank_values=True, errors="replace"))
