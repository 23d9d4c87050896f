"""The caller's own API key: from the environment or a file, never from an argument."""

import os
from pathlib import Path

from core.errors import ConfigInvalid
from core.store.api_keys import could_be_a_key

VARIABLE = "POSELIFT_API_KEY"


def read_api_key(file: Path | None) -> str | None:
    """The key to send; None if there is none.

    Args:
        file: has it in place of the environment.

    Raises:
        ConfigInvalid: what is there is no key.
    """
    text = os.environ.get(VARIABLE, "") if file is None else file.read_text(errors="replace")
    key = text.strip()
    if file is None and not key:
        return None
    if not could_be_a_key(key):
        where = VARIABLE if file is None else str(file)
        raise ConfigInvalid(  # without what stands there: it may be a secret of another kind
            f"{where} holds no API key of PoseLift. They look like poselift_1a2b3c4d5e6f_..., and "
            "`poselift keys create NAME` makes one."
        )
    return key


def authorization(key: str | None) -> dict[str, str]:
    """The header that sends it."""
    return {} if key is None else {"Authorization": f"Bearer {key}"}
