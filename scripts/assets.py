"""`poselift assets`: fetch, verify and list the model files and the demo clip."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from core.assets.manifest import Asset
    from core.contracts import PoseModel

CACHE_VARIABLE = "POSELIFT_CACHE_DIR"
_MODEL_NAMES = ("lite", "full", "heavy")
_ACTIONS = {
    "fetch": "download what is missing, and assemble the pose bundles",
    "verify": "hash every file that is there, and name what is damaged",
    "list": "what there is, from where, under which licence",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `poselift assets`."""
    actions = "; ".join(f"{name}: {text}" for name, text in _ACTIONS.items())
    parser.add_argument("action", choices=_ACTIONS, help=actions)
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help=f"where files are kept (default: ${CACHE_VARIABLE}, else ~/.cache/poselift)",
    )
    parser.add_argument(
        "--models",
        default="full",
        metavar="NAMES",
        help=f"pose models to fetch: some of {','.join(_MODEL_NAMES)}, or all "
        "(default: %(default)s); lite and heavy need npm",
    )


def run(args: argparse.Namespace) -> int:
    """Do it; 1 if something is damaged."""
    from rich.console import Console

    from core.assets.cache import default_cache_folder

    from_environment = os.environ.get(CACHE_VARIABLE)
    cache: Path = args.cache or (
        Path(from_environment) if from_environment else default_cache_folder()
    )
    console = Console()
    if args.action == "fetch":
        return _fetch(console, cache, _pose_models(args.models))
    return _verify(console, cache) if args.action == "verify" else _list(console, cache)


def _pose_models(names: str) -> list["PoseModel"]:
    from difflib import get_close_matches

    from core.contracts import PoseModel
    from core.errors import OptionOutOfRange

    if names == "all":
        return list(PoseModel)
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    for name in chosen:
        if name not in _MODEL_NAMES:
            near = get_close_matches(name, (*_MODEL_NAMES, "all"), n=1)
            hint = f"did you mean '{near[0]}'?" if near else "lite, full, heavy or all."
            raise OptionOutOfRange(f"There is no pose model '{name}': {hint}")
    return [PoseModel(name) for name in chosen]


def _fetch(console: "Console", cache: Path, pose_models: Sequence["PoseModel"]) -> int:
    from core.assets.bundle import pose_bundle
    from core.assets.fetching import fetch
    from core.assets.manifest import DEMO_CLIP, pose_assets
    from scripts.fetch_lines import FetchLines

    wanted = [asset for model in pose_models for asset in pose_assets(model)]
    with FetchLines(console) as lines:
        paths = fetch([*wanted, DEMO_CLIP], cache, lines.show)
        bundles = [pose_bundle(cache, model, lines.show) for model in pose_models]
    for path in (*bundles, paths[-1]):
        console.print(str(path), soft_wrap=True, markup=False, highlight=False)
    return 0


def _verify(console: "Console", cache: Path) -> int:
    from core.assets.cache import cached_path, verify
    from core.assets.manifest import ASSETS

    damaged = 0
    for asset in ASSETS:
        path = cached_path(cache, asset)
        if not path.exists():
            continue
        sound = verify(path, asset.sha256)
        damaged += not sound
        verdict = "sound" if sound else "damaged: `poselift assets fetch` replaces it"
        console.print(f"{asset.name}: {verdict}", markup=False, highlight=False)
    return 1 if damaged else 0


def _list(console: "Console", cache: Path) -> int:
    from rich.table import Table

    from core.assets.manifest import ASSETS

    table = Table(box=None)
    for heading in ("file", "what for", "package", "licence", "MB", "cached"):
        table.add_column(heading, no_wrap=heading != "what for")
    for asset in ASSETS:
        table.add_row(
            asset.name,
            asset.purpose,
            asset.package.requirement,
            asset.licence,
            f"{asset.size_bytes / 1e6:.1f}",
            _state(cache, asset),
        )
    console.print(table)
    console.print(f"cache folder: {cache}", soft_wrap=True, markup=False, highlight=False)
    return 0


def _state(cache: Path, asset: "Asset") -> str:
    from core.assets.cache import cached_path, is_cached

    if not cached_path(cache, asset).exists():
        return "no"
    return "yes" if is_cached(cache, asset) else "damaged"
