"""What the tests of promises share."""

from pathlib import Path

import pytest

from tests.faults import fuzzing

fuzzing.register()

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Most of these start whole deployments, for which a busy machine takes its time."""
    for item in items:
        if _HERE in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(900))
