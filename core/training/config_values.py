"""Plain values, as YAML gives them, into frozen dataclasses; every mistake names its field."""

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from core.errors import ConfigInvalid


def read_fields(kind: type, values: object, where: str) -> dict[str, Any]:
    """The arguments of a dataclass, checked against its annotations.

    Numbers may come as text, because YAML reads ``1e-3`` as such.

    Args:
        kind: the dataclass.
        values: its fields by name; those that are missing keep their defaults.
        where: what messages call it: ``training`` fields, ``loss`` fields, ...

    Raises:
        ConfigInvalid: a field is unknown (names the nearest one) or of the wrong kind.
    """
    if not isinstance(values, Mapping):
        raise ConfigInvalid(f"The {where} fields must be a mapping of names to values.")
    names = [field.name for field in fields(kind)]
    kinds = get_type_hints(kind)
    for name in values:
        if name not in names:
            near = get_close_matches(str(name), names, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"fields are {', '.join(names)}."
            raise ConfigInvalid(f"There is no {where} field '{name}': {hint}")
    return {
        name: _read(kinds[name], value, f"{where} field '{name}'") for name, value in values.items()
    }


def _read(kind: Any, value: Any, field: str) -> Any:  # noqa: ANN401  any annotation, any YAML
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if value is None and NoneType in inner:
            return None
        return _read(next(each for each in inner if each is not NoneType), value, field)
    if origin is tuple:
        return tuple(_read(inner[0], each, field) for each in _listed(value, field))
    if origin is dict:
        if not isinstance(value, Mapping):
            raise ConfigInvalid(f"The {field} must be a mapping, and not {value!r}.")
        return {
            _read(inner[0], key, field): _read(inner[1], each, field) for key, each in value.items()
        }
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _choice(kind, value, field)
    return _plain(kind, value, field)


def _listed(value: object, field: str) -> list[object]:
    if not isinstance(value, list | tuple):
        raise ConfigInvalid(f"The {field} must be a list, and not {value!r}.")
    return list(value)


def _choice(kind: type[Enum], value: object, field: str) -> Enum:
    # YAML 1.1 reads `off` as false.
    word = "off" if value is False else str(value)
    choices = [str(member.value) for member in kind]
    if word not in choices:
        near = get_close_matches(word, choices, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise ConfigInvalid(f"The {field} is one of {', '.join(choices)}, not {value!r}.{hint}")
    return kind(word)


_WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


def _plain(kind: Any, value: Any, field: str) -> Any:  # noqa: ANN401
    if kind not in _WORDS or (type(value) is kind):
        return value  # a dataclass of its own reads itself
    if kind in (int, float) and not isinstance(value, bool):
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = None
        if number is not None and (kind is float or number.is_integer()):
            return kind(number)
    if kind is str and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise ConfigInvalid(f"The {field} must be {_WORDS[kind]}, and not {value!r}.")
