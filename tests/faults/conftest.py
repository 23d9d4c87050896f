"""What the tests of promises share."""

from tests.faults import fuzzing

fuzzing.register()
