"""Networks that stay loaded, for every video and picture of one process."""

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from core.contracts import PoseModel

Networks = TypeVar("Networks")


class LoadedNetworks(Generic[Networks]):
    """Loads each pose model when it is first asked for, and once. Thread-safe.

    Args:
        bundle_of: path of a pose model's bundle; asked once per model.
        load: makes networks of a bundle.
    """

    def __init__(
        self, bundle_of: Callable[[PoseModel], Path], load: Callable[[Path], Networks]
    ) -> None:
        self._bundle_of = bundle_of
        self._load = load
        self._loaded: dict[PoseModel, Networks] = {}
        self._lock = Lock()

    def __getitem__(self, pose_model: PoseModel) -> Networks:
        """The model's networks; whoever asks while they are being loaded waits for the same ones.

        Raises:
            AssetUnavailable: the model is not in the cache and cannot be fetched.
            AssetCorrupt: the bundle cannot be loaded.
        """
        with self._lock:
            if pose_model not in self._loaded:
                self._loaded[pose_model] = self._load(self._bundle_of(pose_model))
            return self._loaded[pose_model]

    def clear(self) -> None:
        """Let go of all; whoever still has some keeps them."""
        with self._lock:
            self._loaded.clear()
