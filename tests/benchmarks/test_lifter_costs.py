"""Costs, held to counts by hand."""

from dataclasses import replace

import pytest

from benchmarks.lifter_costs import multiply_adds_per_frame
from core.models import Lifter
from core.models.body_graph import keypoint_sources
from core.models.config import PRESETS
from core.models.normalise import PLACEMENT
from core.skeleton import BODY

PLAIN = replace(PRESETS["small"], reads_hint=False, foreshortening=False, steadiness=False)


def test_multiply_adds_of_a_lifter_counted_by_hand():
    """No blocks, no attention: what is left are five products."""
    inner, outer, joints = 4, 8, len(BODY)
    config = replace(
        PLAIN,
        lines_of_sight=False,
        joint_channels=inner,
        token_channels=outer,
        encoder_blocks=0,
        decoder_blocks=0,
        temporal_layers=0,
    )
    embedding = keypoint_sources().size * 4 * inner + PLACEMENT * inner
    tokens = 2 * joints * inner * outer  # pooled and unpooled
    head = joints * inner * 4
    turned = 33 * 3 * 3 + joints * 3 * 3
    expected = embedding + tokens + head + turned
    assert multiply_adds_per_frame(Lifter(config), frames=5) == pytest.approx(expected)


def test_attention_is_counted():
    """Twice the frames, twice the scores per frame: an operation that fuses them would hide it."""
    lifter = Lifter(PLAIN)
    few, many = (multiply_adds_per_frame(lifter, frames) for frames in (10, 20))
    per_frame = 2 * PLAIN.token_channels * PLAIN.temporal_layers
    assert many - few == pytest.approx(10 * per_frame)
