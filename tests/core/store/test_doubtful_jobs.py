"""A job whose making got no answer is there, or can never come to be."""

import pytest

from core.contracts import JobOptions
from core.errors import StoreUnavailable
from core.store.ledger import JobLedger
from tests.core.store.accepting import SOME_FILE, Accept


def test_one_that_went_through_is_there(ledger: JobLedger, accept: Accept) -> None:
    assert ledger.was_created(accept())


def test_one_that_arrives_late_makes_nothing(ledger: JobLedger) -> None:
    assert not ledger.was_created("feed")
    with pytest.raises(StoreUnavailable):
        ledger.create(job_id="feed", filename="a", options=JobOptions(), upload=SOME_FILE)
    assert ledger.list() == ([], None)
    assert not ledger.was_created("feed")
