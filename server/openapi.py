"""Request bodies that are streamed, described for ``/docs``: the framework cannot see them."""

from typing import Any

from core.contracts import JobOptions
from server.problems import MEDIA_TYPE

_FILE = {"type": "string", "format": "binary"}
_WEBHOOK_URL = {
    "type": "string",
    "format": "uri",
    "maxLength": 2000,
    "description": "Told by a signed POST (Standard Webhooks) when the job ends.",
}


def _option_schemas() -> dict[str, Any]:
    schema = JobOptions.model_json_schema(ref_template="#/components/schemas/{model}")
    return schema["properties"]


def _option_parameters() -> list[dict[str, Any]]:
    described = [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": option.get("description", ""),
            "schema": {part: value for part, value in option.items() if part != "description"},
        }
        for name, option in _option_schemas().items()
    ]
    name = {
        "name": "filename",
        "in": "query",
        "required": False,
        "description": "The video's name, for raw bodies.",
        "schema": {"type": "string"},
    }
    webhook = {
        "name": "webhook_url",
        "in": "query",
        "required": False,
        "description": _WEBHOOK_URL["description"],
        "schema": {part: value for part, value in _WEBHOOK_URL.items() if part != "description"},
    }
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Any text of your own; the same text leads to the same job.",
        "schema": {"type": "string", "maxLength": 255},
    }
    return [*described, name, webhook, key]


def refuse_as_problems(operation: dict[str, Any]) -> None:
    """Say of an operation that parameters are refused in our form, not in the framework's own."""
    refused = operation["responses"].get("422", {})
    if "application/json" in refused.get("content", {}):
        problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
        refused["description"] = "A parameter is not valid (`parameter_invalid`)"
        refused["content"] = {MEDIA_TYPE: problem}


UPLOAD_BODY: dict[str, Any] = {
    "parameters": _option_parameters(),
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": _FILE, **_option_schemas(), "webhook_url": _WEBHOOK_URL},
                }
            },
            "video/*": {"schema": _FILE},
            "application/octet-stream": {"schema": _FILE},
        },
    },
}

PICTURE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": _FILE},
                }
            },
            "image/*": {"schema": _FILE},
        },
    },
}
