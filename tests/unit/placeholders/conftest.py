"""A run of a template in Madrid, and the short way to fill in one string."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from templates_app.placeholders import Context, compile_payload

Render = Callable[..., Any]


def make_context(**changes: Any) -> Context:
    """Return a run at 09:00 in Madrid on Tuesday, 31 March 2026, planned one hour late."""
    values: dict[str, Any] = {
        "occurrence": datetime(2026, 3, 31, 7, 0, tzinfo=UTC),
        "planned": datetime(2026, 3, 31, 8, 0, tzinfo=UTC),
        "previous_occurrence": datetime(2026, 3, 28, 8, 0, tzinfo=UTC),
        "template_id": "018f-7",
        "template_name": "Informe diário",
        "merchant_slug": "acme",
        "merchant_name": "ACME & Söhne",
        "timezone": "Europe/Madrid",
    }
    return Context(**(values | changes))


@pytest.fixture
def fill() -> Render:
    """Fill in one string for the run of `make_context`."""

    def render(text: str, **changes: Any) -> Any:
        return compile_payload(text).render(make_context(**changes))

    return render
