"""A template, and who listens to its skipped occurrences."""

import pytest

from jobs.signals import occurrences_skipped
from tenants.identifiers import new_id


@pytest.fixture
def template():
    return new_id()


@pytest.fixture
def heard():
    """What listeners of `occurrences_skipped` were told."""
    told = []

    def listen(*, skipped, **_):
        told.extend(skipped)

    occurrences_skipped.connect(listen)
    yield told
    occurrences_skipped.disconnect(listen)
