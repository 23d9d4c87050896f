"""Request bodies that are streamed, described for ``/docs``: the framework cannot see them."""

from typing import Any

from core.contracts import JobOptions

_FILE = {"type": "string", "format": "binary"}


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
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Any text of your own; the same text leads to the same job.",
        "schema": {"type": "string", "maxLength": 255},
    }
    return [*described, name, key]


UPLOAD_BODY: dict[str, Any] = {
    "parameters": _option_parameters(),
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": _FILE, **_option_schemas()},
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
