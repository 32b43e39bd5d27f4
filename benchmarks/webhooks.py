"""`python -m benchmarks.webhooks`: how fast the fan-out hands events on, and what a look at the audience costs.

A fresh PostgreSQL that syncs every commit; no populator and no worker. Prints JSON: events and deliveries a second with 1
and with 20 endpoints, and milliseconds of a look who listens with 10,000 endpoints.
"""

import json
import sys
import time
from typing import Any

from benchmarks.part import environment_of, machine, say, start_django
from benchmarks.stack import manage, servers

EVENTS = {1: 20_000, 20: 2_000}
MANY = 10_000  # endpoints


def main() -> None:
    """Measure, and print."""
    import os

    with servers() as running:
        environment = environment_of(running)
        os.environ.update(environment)
        manage(environment, "migrate", "--verbosity", "0")
        start_django()
        figures: dict[str, Any] = {"machine": machine()}
        figures["fan_out"] = [fanned_out(endpoints) for endpoints in EVENTS]
        figures["audience"] = audience()
        from django.db import connection

        connection.close()
    json.dump(figures, sys.stdout, indent=2)
    print()


def fanned_out(endpoints: int) -> dict[str, Any]:
    """Store events of one merchant, and hand them on."""
    from django.db import connection

    from alerts.webhooks.fan_out import FannedOut, fan_out
    from tenants.clock import database_now
    from tests.factories.jobs import make_merchant
    from tests.factories.webhooks import make_endpoint, make_event

    merchant = make_merchant()
    for _ in range(endpoints):
        make_endpoint(merchant)
    event = make_event(merchant)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO alerts_webhookevent (merchant_id, type, subject, kind, template_id, body)"
            " SELECT merchant_id, type, uuidv7(), kind, template_id, body"
            "   FROM alerts_webhookevent, generate_series(1, %s) WHERE id = %s",
            [EVENTS[endpoints], event.pk],
        )
        cursor.execute("ANALYZE")
    say(f"{EVENTS[endpoints]} events to {endpoints} endpoints")
    begun = time.monotonic()
    events = deliveries = 0
    step = FannedOut(more=True)
    while step.more:
        step = fan_out(database_now(), after=step.after)
        events += step.events
        deliveries += step.deliveries
    took = time.monotonic() - begun
    return {
        "endpoints": endpoints,
        "events": events,
        "events_per_second": round(events / took),
        "deliveries_per_second": round(deliveries / took),
    }


def audience() -> dict[str, Any]:
    """Look who listens, with many endpoints, before and after they were read."""
    from django.db import connection

    from alerts.webhooks.audience import Audience
    from tests.factories.jobs import make_merchant
    from tests.factories.webhooks import make_endpoint

    endpoint = make_endpoint(make_merchant())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tenants_merchant"
            " SELECT made.* FROM tenants_merchant AS source, generate_series(1, %s) AS n,"
            " LATERAL jsonb_populate_record(source,"
            "   jsonb_build_object('id', uuidv7(), 'slug', 'many-' || n, 'name', 'many ' || n)) AS made"
            " WHERE source.id = %s",
            [MANY, endpoint.merchant_id],
        )
        cursor.execute(
            "INSERT INTO alerts_webhookendpoint"
            " SELECT made.* FROM alerts_webhookendpoint AS source, tenants_merchant AS owner,"
            " LATERAL jsonb_populate_record(source,"
            "   jsonb_build_object('id', uuidv7(), 'merchant_id', owner.id)) AS made"
            " WHERE source.id = %s AND owner.slug LIKE 'many-%%'",
            [endpoint.pk],
        )
    listeners = Audience(kept=0.0)
    first = _milliseconds(listeners.look)
    later = sorted(_milliseconds(listeners.look) for _ in range(100))[50]
    return {"endpoints": MANY, "first_look_ms": first, "later_looks_ms": later}


def _milliseconds(call: Any) -> float:
    begun = time.perf_counter()
    call()
    return round((time.perf_counter() - begun) * 1000, 2)


if __name__ == "__main__":
    main()
