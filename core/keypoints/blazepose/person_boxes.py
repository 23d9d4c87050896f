"""What the person detector says, decoded: a box, a score and two alignment points a person."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64

_SIDE = 224  # pixels of the picture that the detector sees
_STRIDES = (8, 16, 32, 32, 32)
_ANCHORS_PER_STRIDE = 2
ANCHORS = 2254
"""How many guesses the detector makes."""
GUESS_NUMBERS = 12
"""Numbers per guess: the box's centre and size, then four points."""
_BOX, _POINTS = slice(0, 4), slice(4, 8)  # of the four points the first two are for alignment
_LEAST_SCORE = 0.5
_SAME_PERSON_IOU = 0.3


@dataclass(frozen=True, eq=False)
class PersonBoxes:
    """People in one crop of the detector, the surest first.

    Attributes:
        score: in [0.5, 1].
        box: left, top, right, bottom of the head and upper body, in sides of the crop.
        alignment: the hips' middle and the point on the circle, in sides of the crop.
    """

    score: Float64[np.ndarray, "persons"]
    box: Float64[np.ndarray, "persons 4"]
    alignment: Float64[np.ndarray, "persons 2 2"]


def decode_boxes(
    guesses: Float32[np.ndarray, "anchors 12"], logits: Float32[np.ndarray, "anchors"]
) -> PersonBoxes:
    """The people whom the guesses about one picture agree on.

    Source: ``tensors_to_detections_calculator.cc`` of MediaPipe, with the settings of
    ``pose_detector_graph.cc``.
    """
    # The sigmoid in double precision would overflow for no reason.
    score = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -100, 100)))
    sure = np.flatnonzero(score >= _LEAST_SCORE)
    numbers = guesses[sure].astype(np.float64) / _SIDE
    anchors = _anchors()[sure]
    centre, size = numbers[:, :2] + anchors, numbers[:, 2:4]
    box = np.concatenate([centre - size / 2, centre + size / 2], axis=1)
    points = numbers[:, _POINTS].reshape(-1, 2, 2) + anchors[:, None]
    return _agree(PersonBoxes(score[sure], box, points))


def _agree(guesses: PersonBoxes) -> PersonBoxes:
    """Mean of all guesses that overlap the surest one, weighted by score; then of the rest.

    Source: ``WeightedNonMaxSuppression`` in ``non_max_suppression_calculator.cc`` of MediaPipe;
    Bazarevsky et al., "BlazeFace", 2019, section 3.4.
    """
    left = np.argsort(-guesses.score, kind="stable")
    people: list[tuple[float, np.ndarray, np.ndarray]] = []
    while len(left):
        same = _overlap(guesses.box[left], guesses.box[left[0]]) > _SAME_PERSON_IOU
        same[0] = True
        group = left[same]
        weight = guesses.score[group] / guesses.score[group].sum()
        box = np.einsum("g,gc->c", weight, guesses.box[group])
        points = np.einsum("g,gpc->pc", weight, guesses.alignment[group])
        people.append((float(guesses.score[left[0]]), box, points))
        left = left[~same]
    return PersonBoxes(
        score=np.array([score for score, _, _ in people]),
        box=np.array([box for _, box, _ in people]).reshape(-1, 4),
        alignment=np.array([points for _, _, points in people]).reshape(-1, 2, 2),
    )


def _overlap(
    boxes: Float64[np.ndarray, "boxes 4"], one: Float64[np.ndarray, "4"]
) -> Float64[np.ndarray, "boxes"]:
    """Intersection over union with one box."""
    shared = np.minimum(boxes[:, 2:], one[2:]) - np.maximum(boxes[:, :2], one[:2])
    intersection = shared.clip(min=0).prod(1)
    union = (boxes[:, 2:] - boxes[:, :2]).prod(1) + (one[2:] - one[:2]).prod() - intersection
    positive: Bool[np.ndarray, boxes] = union > 0
    return np.divide(intersection, union, out=np.zeros_like(union), where=positive)


def _anchors() -> Float64[np.ndarray, "anchors 2"]:
    """Where each guess starts from: cell centres of the feature maps, in sides.

    Maps of one stride share their cells, with two guesses a map in each cell.

    Source: ``ssd_anchors_calculator.cc`` of MediaPipe, with the settings of
    ``pose_detector_graph.cc``.
    """
    centres: list[np.ndarray] = []
    for stride in dict.fromkeys(_STRIDES):
        cells = -(-_SIDE // stride)
        axis = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        centres.append(np.repeat(grid, _STRIDES.count(stride) * _ANCHORS_PER_STRIDE, axis=0))
    return np.concatenate(centres)
