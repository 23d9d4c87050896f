"""What tests of decoding share."""

import pytest

from core.video import containers


@pytest.fixture(params=[2, 8])
def any_cores(request, monkeypatch):
    """Decoding has threads of its own on many cores, and none on two."""
    monkeypatch.setattr(containers, "usable_cores", lambda: request.param)
