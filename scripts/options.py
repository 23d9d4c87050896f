"""Command-line flags for job options, generated from the one model that defines them."""

import argparse
from enum import Enum
from types import NoneType
from typing import Any, get_args

from pydantic.fields import FieldInfo

from core.contracts import JobOptions

_PREFIX = "option_"


def add_option_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser one flag per job option: ``--max-persons 2``, ``--no-smoothing``.

    A flag that is not given leaves no trace in the namespace, so the model's default holds.
    """
    group = parser.add_argument_group("job options")
    for name, field in JobOptions.model_fields.items():
        group.add_argument(_flag(name), **_argument(name, field))


def options_from(args: argparse.Namespace) -> JobOptions:
    """The options that the flags ask for.

    Raises:
        OptionOutOfRange: a value is out of range or of the wrong kind.
    """
    given = {
        name.removeprefix(_PREFIX): value
        for name, value in vars(args).items()
        if name.startswith(_PREFIX)
    }
    return JobOptions.parse(given)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _argument(name: str, field: FieldInfo) -> dict[str, Any]:
    argument: dict[str, Any] = {
        "dest": _PREFIX + name,
        "default": argparse.SUPPRESS,
        # argparse expands %; descriptions are plain text.
        "help": f"{field.description} (default: {_shown(field.default)})".replace("%", "%%"),
    }
    kind = _kind(field)
    if kind is bool:
        return argument | {"action": argparse.BooleanOptionalAction}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return argument | {"choices": [member.value for member in kind]}
    # The text goes to the model as it is: one place says what is in range, and how to say so.
    return argument | {"metavar": getattr(kind, "__name__", "value").upper()}


def _kind(field: FieldInfo) -> object:
    kinds = [kind for kind in get_args(field.annotation) if kind is not NoneType]
    return kinds[0] if kinds else field.annotation


def _shown(default: object) -> str:
    if default is None:
        return "not set"
    if isinstance(default, bool):
        return "yes" if default else "no"
    return str(default)
