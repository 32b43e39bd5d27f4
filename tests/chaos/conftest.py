"""The chaos test takes as long as hundreds of others: it begins first, and they run beside it."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put it at the front, where pytest-django has put the tests with a database."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/chaos/"))
