"""Makes an estimator for one video after another, keeping warm what takes long to load.

Loading a landmarker takes 0.1 to 0.3 s. Scouts are washed clean and used again. Trackers cannot be
(their visibility filter has no reset), so a spare one is loaded in the background while the one
before it works. Every video starts from the same state, and gives the same result.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import numpy as np
from jaxtyping import UInt8

from core.closing import Closing
from core.contracts import PoseModel
from core.keypoints.landmarker import Landmarker, Mode
from core.keypoints.protocol import Detection
from core.keypoints.scouting import ScoutingEstimator
from core.keypoints.stills import read_still


class PoseEstimators(Closing):
    """The 2D models of one process. Thread-safe; close it to give memory and threads back.

    Args:
        bundle_of: path of a pose model's bundle, such as
            ``partial(pose_bundle, cache_folder)``; asked once per model.
    """

    name = "mediapipe"

    def __init__(self, bundle_of: Callable[[PoseModel], Path]) -> None:
        self._bundle_of = bundle_of
        self._bundles: dict[PoseModel, Path] = {}
        self._scouts: defaultdict[tuple[PoseModel, int], list[Landmarker]] = defaultdict(list)
        self._stills: dict[tuple[PoseModel, int], Landmarker] = {}
        self._spares: defaultdict[PoseModel, list[Future[Landmarker]]] = defaultdict(list)
        self._lock = Lock()
        self._still_lock = Lock()
        self._background = ThreadPoolExecutor(1, thread_name_prefix="pose-models")

    def open(self, pose_model: PoseModel, max_persons: int = 1) -> ScoutingEstimator:
        """An estimator for one video, as if nothing had been estimated before.

        Raises:
            AssetUnavailable: the model is not in the cache and cannot be fetched.
            AssetCorrupt: the bundle cannot be loaded.
        """
        scout = self._borrow_scout(pose_model, max_persons)

        def give_back() -> None:
            self._give_back_scout(scout, pose_model, max_persons)

        return ScoutingEstimator(
            scout, lambda: self._take_spare(pose_model), max_persons, on_close=give_back
        )

    def warm_up(self, pose_model: PoseModel, threads: int = 1) -> None:
        """Load a model now, for one thread, so that the first video does not wait for it.

        Raises:
            AssetUnavailable: the model is not in the cache and cannot be fetched.
            AssetCorrupt: the bundle cannot be loaded.
        """
        self.open(pose_model).close()
        with self._lock:
            spare = self._ordered_spare(pose_model)
        spare.result()

    def estimate_image(
        self,
        rgb: UInt8[np.ndarray, "height width 3"],
        pose_model: PoseModel,
        max_persons: int = 1,
    ) -> Sequence[Detection]:
        """People in a single picture, the most prominent first, at most ``max_persons``.

        Raises:
            AssetUnavailable: the model is not in the cache and cannot be fetched.
            AssetCorrupt: the bundle cannot be loaded.
        """
        key = (pose_model, max_persons)
        with self._still_lock:
            if key not in self._stills:
                self._stills[key] = Landmarker(self._bundle(pose_model), Mode.STILL, max_persons)
            return read_still(self._stills[key], rgb)[:max_persons]

    def close(self) -> None:
        self._background.shutdown(wait=True)
        with self._lock:
            landmarkers = [
                *self._stills.values(),
                *(s for idle in self._scouts.values() for s in idle),
            ]
            for waiting in self._spares.values():
                landmarkers += [future.result() for future in waiting if not future.exception()]
            self._stills.clear()
            self._scouts.clear()
            self._spares.clear()
        for landmarker in landmarkers:
            landmarker.close()

    def _bundle(self, pose_model: PoseModel) -> Path:
        with self._lock:
            if pose_model not in self._bundles:
                self._bundles[pose_model] = self._bundle_of(pose_model)
            return self._bundles[pose_model]

    def _borrow_scout(self, pose_model: PoseModel, max_persons: int) -> Landmarker:
        with self._lock:
            idle = self._scouts[pose_model, max_persons]
            if idle:
                return idle.pop()
        # One more than wanted: the main person may not be the one whom the detector likes best.
        return Landmarker(self._bundle(pose_model), Mode.SCOUTING, max_persons + 1)

    def _give_back_scout(self, scout: Landmarker, pose_model: PoseModel, max_persons: int) -> None:
        try:
            clean = scout.start_over()
        except RuntimeError:  # whatever broke it ended the video; the next one gets another
            clean = False
        if not clean:
            scout.close()
            return
        with self._lock:
            self._scouts[pose_model, max_persons].append(scout)

    def _take_spare(self, pose_model: PoseModel) -> Landmarker:
        """A tracker nobody has used; another is loaded behind our back."""
        self._bundle(pose_model)
        with self._lock:
            spare = self._ordered_spare(pose_model)
            self._spares[pose_model].remove(spare)
            self._ordered_spare(pose_model)
        return spare.result()

    def _ordered_spare(self, pose_model: PoseModel) -> Future[Landmarker]:
        """The spare tracker that is or will be there; call with the lock held."""
        waiting = self._spares[pose_model]
        if not waiting:
            bundle = self._bundles[pose_model]
            waiting.append(self._background.submit(Landmarker, bundle, Mode.TRACKING))
        return waiting[0]
