"""What a look costs follows what is new and in trouble, never what exists: counted in pages."""

import json
from datetime import datetime
from typing import Any

import pytest
from django.db import connection

from alerts.evaluator.finding import LETTERS
from alerts.rules import RULE_KINDS, RuleKind
from jobs.partitions import ensure_partitions, first_id
from tenants.clock import database_now
from tenants.models import Merchant
from tests.factories.alerts import make_rule
from tests.factories.jobs import make_worker
from tests.factories.templates import make_template
from tests.factories.tenants import make_merchant

pytestmark = pytest.mark.django_db
# The tables hold 170 to 1,600 pages each; a walk down a few indexes is some dozens.
MOST_PAGES = 100
HISTORY = """
WITH job AS (
    INSERT INTO jobs_job (
        id, merchant_id, kind, handler, lane, name, tags, metadata, payload, priority, max_attempts,
        timeout, run_at, scheduled_at, status, attempt, earlier_attempts, lost_count, progress_note,
        finalized_at, template_id, occurrence_at, created_at)
    SELECT uuidv7(make_interval(secs => n - 40000)), %(merchant)s, 'http', 'a.example', 'async', '',
           '{}', '{}', '{}', 5, 5, 60, moment, moment, status, 1, 0, 0, '',
           CASE WHEN status <> 'scheduled' THEN moment END,
           CASE WHEN n %% 2 = 0 THEN %(template)s::uuid END,
           CASE WHEN n %% 2 = 0 THEN moment END, moment
      FROM generate_series(1, 40000) AS n
     CROSS JOIN LATERAL (
           SELECT now() + make_interval(secs => n - 30000) AS moment,
                  CASE WHEN n > 30000 THEN 'scheduled' WHEN n %% 3 = 0 THEN 'failed'
                       ELSE 'succeeded' END AS status) AS drawn
    RETURNING id, merchant_id, status, created_at
), letter AS (
    INSERT INTO jobs_deadletter (
        id, job_id, merchant_id, kind, handler, error_code, error_message, fingerprint, attempts,
        created_at, resolution, resolved_by, reason)
    SELECT id, id, merchant_id, 'http', 'a.example', 'http_500', 'no', 'f', 1, created_at, '', '', ''
      FROM job WHERE status = 'failed'
)
INSERT INTO jobs_execution (
    id, job_id, merchant_id, number, outcome, scheduled_at, started_at, finished_at, error_code,
    error_message, error_detail, log)
SELECT id, id, merchant_id, 1, status, created_at, created_at, created_at, '', '', '', '[]'
  FROM job WHERE status <> 'scheduled'
"""


@pytest.fixture
def history(db):
    """Thirty thousand jobs that ended, a third of them failed, and ten thousand that wait."""
    now = database_now()
    ensure_partitions(now)
    merchant = make_merchant()
    template = make_template(merchant=merchant, now=now)
    make_worker(heartbeat_at=now)
    with connection.cursor() as cursor:
        cursor.execute(HISTORY, {"merchant": merchant.pk, "template": template.pk})
        cursor.execute("ANALYZE")
    return merchant


def pages(kind: RuleKind, merchant: Merchant | None, now: datetime) -> int:
    """Return how many pages the kind's statement touches when nothing is new."""
    rule = make_rule(merchant=merchant, kind=kind.name)
    numbers = kind.columns({"window": 60, "seconds": 86_400})
    values: dict[str, Any] = {
        "rules": [rule.pk],
        "merchants": [rule.merchant_id],
        "templates": [None],
        "bounds": [numbers["bound"]],
        "spans": [numbers["span"]],
        "leasts": [numbers["least"]],
        "floors": [first_id(now)],
        "now": now,
        "after": first_id(now),
        "upto": first_id(now),
        "limit": LETTERS,
        "horizon": 60.0,
        "lanes": ["async", "process", "command"],
        "silent_lanes": [],
        "silent_since": [],
        "silent_reasons": [],
    }
    with connection.cursor() as cursor:
        # Twice: the first one may meet, and strike out, index entries of rows that other tests rolled back.
        for _ in range(2):
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {kind.find}", values)
            answer = cursor.fetchone()[0]
    plan: dict[str, int] = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def test_a_look_at_nothing_new_reads_no_history(history):
    now = database_now()
    touched = {
        (name, whose): pages(kind, merchant, now)
        for name, kind in RULE_KINDS.items()
        for whose, merchant in (("merchant", history), ("platform", None))
    }
    assert {one: number for one, number in touched.items() if number > MOST_PAGES} == {}
