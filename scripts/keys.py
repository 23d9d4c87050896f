"""`poselift keys`: who may use the API."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout
from rich.console import Console
from rich.table import Table

from core.errors import ConfigInvalid
from core.store.api_keys import ApiKey, ApiKeys
from core.store.connection import connect
from core.store.embedded import EmbeddedRedis, socket_url
from scripts.data_folder import default_folder
from scripts.redis_address import without_secret

Found = TypeVar("Found")

_LONGEST_NAME = 80


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `poselift keys`."""
    parser.add_argument(
        "--redis-url",
        help="the Redis that server and workers use (default: POSELIFT_REDIS_URL, or the one of "
        "`poselift up`)",
    )
    parser.add_argument(
        "--data-dir", type=Path, help="folder of `poselift up`, if it has a Redis of its own"
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a key; it is shown this once, on stdout")
    create.add_argument("name", help="whose it is, or what for: shown in lists, never secret")
    actions.add_parser("list", help="all keys, without their secrets")
    for action, text in {
        "revoke": "end a key at once; its jobs stay, out of reach",
        "replace": "give a key's owner another one, for the same jobs; the old one ends at once",
        "forget": "drop a key from the list; without any, the server is open to its own machine",
    }.items():
        actions.add_parser(action, help=text).add_argument("id", help="as `list` shows it")


def run(args: argparse.Namespace) -> int:
    """Do what was asked; a new key is all that goes to standard output."""
    console = Console(stderr=True)
    with _keys(without_secret(args.redis_url), args.data_dir) as keys:
        match args.action:
            case "create":
                _create(console, keys, args.name)
            case "list":
                Console().print(_table(keys))
            case "revoke":
                key = _known(keys.revoke(args.id), args.id)
                console.print(f"Revoked {key.id} ({key.name}).", markup=False)
            case "replace":
                key, text = _known(keys.replace(args.id), args.id)
                _hand_over(console, key, text)
            case _:
                _known(keys.forget(args.id) or None, args.id)
                console.print(f"Forgot {args.id}.", markup=False)
                if not keys.all():
                    console.print("There are no keys now: requests need none.")
    return 0


def _create(console: Console, keys: ApiKeys, name: str) -> None:
    if not (1 <= len(name) <= _LONGEST_NAME and name.isprintable()):
        raise ConfigInvalid(f"A key's name has 1 to {_LONGEST_NAME} printable characters.")
    is_first = not keys.all()
    _hand_over(console, *keys.create(name))
    if is_first:
        console.print(
            "This is the first key: from now on every request needs one. Jobs from before belong "
            "to nobody; their results cannot be fetched any more."
        )


def _hand_over(console: Console, key: ApiKey, text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
    console.print(
        f"Key {key.id} ({key.name}). It is shown this once; only its hash is kept. Send it as "
        "'Authorization: Bearer ...', or put it into POSELIFT_API_KEY for `poselift submit`.",
        markup=False,
        highlight=False,
    )


def _table(keys: ApiKeys) -> Table:
    table = Table("id", "name", "created", "revoked")
    for key in keys.all().values():
        revoked = f"{key.revoked_at:%Y-%m-%d %H:%M} UTC" if key.revoked_at else ""
        table.add_row(key.id, key.name, f"{key.created_at:%Y-%m-%d %H:%M} UTC", revoked)
    return table


def _known(found: Found | None, key_id: str) -> Found:
    if found is None:
        raise ConfigInvalid(f"There is no key '{key_id[:40]}'; see `poselift keys list`.")
    return found


@contextmanager
def _keys(redis_url: str | None, data_dir: Path | None) -> Iterator[ApiKeys]:
    """The keys of a running Redis, or of the data folder's own, started if need be."""
    named = redis_url or (None if data_dir else os.environ.get("POSELIFT_REDIS_URL"))
    with ExitStack() as stack:
        url = named or _url_of_folder(stack, (data_dir or default_folder()) / "redis")
        yield ApiKeys(stack.enter_context(connect(url)))


def _url_of_folder(stack: ExitStack, folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        stack.enter_context(FileLock(folder / "lock", timeout=0))
    except Timeout:
        return socket_url(folder)  # `poselift up` runs there
    return stack.enter_context(EmbeddedRedis(folder)).url
