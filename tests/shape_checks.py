"""The checker behind jaxtyping's import hook: beartype, but for what it cannot see from outside."""

from collections.abc import Callable
from typing import Any

from beartype import BeartypeConf, beartype
from beartype.roar import BeartypeDecorHintPep673Exception

_check = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int will do where a float is said


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Check a function's arguments and result against its annotations.

    The hook hands over methods one by one, and beartype knows what ``Self`` is only inside a class.
    """
    try:
        return _check(function)
    except BeartypeDecorHintPep673Exception:
        return function
