"""Names of uploaded files: shown to people, never used as a path."""

import re
import unicodedata
from urllib.parse import quote

from python_multipart.multipart import parse_options_header

_LONGEST = 200
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def clean_filename(name: str | None) -> str:
    """The last part of a client's file name, without what could mislead a terminal or a header."""
    last = re.split(r"[/\\]", name or "")[-1]
    # Surrogates are bytes that were no UTF-8; control and format characters can hide an ending, and
    # some programs take the other separators for a new line.
    visible = "".join(c for c in last if unicodedata.category(c) not in _INVISIBLE)
    return visible.strip(" .")[:_LONGEST] or "video"


def filename_of_header(disposition: str | bytes | None) -> str | None:
    """The file name of a ``Content-Disposition`` header, if it has one.

    Browsers and curl send it as plain UTF-8; text must be the header's bytes read as Latin-1.
    """
    _, options = parse_options_header(disposition)
    name = options.get(b"filename")
    return None if name is None else name.decode("utf-8", "replace")


def attachment(upload_name: str) -> str:
    """``Content-Disposition`` for the result of an upload: ``clip.mp4`` gives ``clip.pose.npz``.

    Old clients get ASCII, all others the whole name. Source: RFC 6266, section 4.3.
    """
    stem = upload_name.rsplit(".", 1)[0] or "video"
    name = f"{stem}.pose.npz"
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9._() -]", "_", ascii_name).lstrip(". ")
    header = f'attachment; filename="{plain}"'
    return header if plain == name else f"{header}; filename*=UTF-8''{quote(name, safe='')}"
