"""Loads templates by the million: rows as the operations and the expander leave them, with a job each.

Every recurrence of the mix is planned once, by the expander's own code; the rows are then made from
these plans by three statements, whatever their number.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.sql import SQL, Identifier

from benchmarks.template_mix import Entry
from jobs.occurrence_rows import NewOccurrence
from templates_app.calendars.calendar_set import CalendarSet, parse_calendar
from templates_app.expander.due import DueTemplate, aware
from templates_app.expander.outcome import Outcome, outcome_of
from templates_app.expander.surroundings import Surroundings
from templates_app.expansion import Expansion
from templates_app.models import Calendar, Template
from templates_app.operations.templates import create_template, delete_template
from templates_app.planning.misfires import MisfirePolicy
from templates_app.planning.window_book import naive
from templates_app.recurrence.parse import parse
from tenants.identifiers import new_id
from tenants.models import Merchant

PLAIN: dict[str, Any] = {"handler": "demo.noop", "arguments": {}}
WITH_PLACEHOLDER: dict[str, Any] = {
    "handler": "demo.echo",
    "arguments": {"report": "sales", "day": "{{ occurrence }}"},
}
HOURLY = {"kind": "cron", "expression": "0 * * * *", "timezone": "UTC"}
# Every so manieth template has a placeholder in its payload.
PLACEHOLDERS = 4

TABLES = """
CREATE UNLOGGED TABLE benchmark_mix (
    position int PRIMARY KEY, recurrence jsonb, avoid uuid[], payload jsonb,
    expanded_to timestamptz, next_expansion_at timestamptz,
    occurrence_at timestamptz, run_at timestamptz, missed_at timestamptz,
    handler text, lane text, job_payload jsonb);
CREATE UNLOGGED TABLE benchmark_template (id uuid, position int, merchant_id uuid)
"""
COPY_MIX = "COPY benchmark_mix FROM STDIN"
NUMBER = """
INSERT INTO benchmark_template
SELECT uuidv7(), n %% %(mix)s, (%(merchants)s::uuid[])[n %% %(count)s + 1]
  FROM generate_series(%(first)s::int, %(last)s::int) AS n
"""
TEMPLATES = """
INSERT INTO templates_app_template (
    id, merchant_id, name, description, kind, payload, priority, max_attempts, timeout, tags,
    metadata, recurrence, avoid, keep_to, on_closed, misfire, misfire_grace, misfire_window,
    misfire_limit, overlap, active, paused_by, pause_note, expanded_to, next_expansion_at, replan,
    expanded_with, expansion_failures, set_aside_reason, moved)
SELECT template.id, template.merchant_id, 'Report ' || template.position, '', 'python', mix.payload,
       5, 5, 60, '{}', '{}', mix.recurrence, mix.avoid, '{}', 'skip', 'run_once',
       300, 86400, 100, 'allow', true, '', '', mix.expanded_to, mix.next_expansion_at, false,
       %(versions)s, 0, '', '{}'
  FROM benchmark_template AS template JOIN benchmark_mix AS mix USING (position)
"""
JOBS = """
INSERT INTO jobs_job (
    id, merchant_id, template_id, occurrence_at, origin, missed_at, kind, handler, lane, name, tags,
    metadata, payload, priority, max_attempts, timeout, run_at, scheduled_at, status, attempt,
    earlier_attempts, lost_count, progress_note)
SELECT uuidv7(), template.merchant_id, template.id, mix.occurrence_at, 'template', mix.missed_at,
       'python', mix.handler, mix.lane, 'Report ' || template.position, '{}', '{}',
       mix.job_payload, 5, 5, 60, mix.run_at, mix.run_at, 'scheduled', 0, 0, 0, ''
  FROM benchmark_template AS template JOIN benchmark_mix AS mix USING (position)
"""
# All but the primary keys. To build them afterwards takes a fraction of the time.
INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
 WHERE schemaname = current_schema() AND tablename IN ('templates_app_template', 'jobs_job')
   AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""


@dataclass(frozen=True, kw_only=True)
class Owners:
    """Whose the templates are, and the calendar that some of them avoid.

    `versions` is what the expander notes of its time zones and holidays.
    """

    merchants: Sequence[UUID]
    calendar_id: UUID
    calendar: CalendarSet
    versions: str


def make_owners(number: int, *, now: datetime) -> Owners:
    """Store merchants, and a calendar of weekends and holidays that all of them may use."""
    definition = {"weekdays": ["sa", "su"], "holidays": [{"country": "ES"}]}
    calendar = Calendar.objects.create(merchant=None, name="Spain", definition=definition)
    merchants = [
        Merchant.objects.create(name=f"Shop {one}", slug=f"shop-{one}") for one in range(number)
    ]
    body = {"name": "First", "kind": "python", "payload": PLAIN, "recurrence": HOURLY}
    first = create_template(body, merchant=merchants[0], now=now)
    versions = first.expanded_with
    delete_template(first, now=now)
    return Owners(
        merchants=[merchant.pk for merchant in merchants],
        calendar_id=calendar.pk,
        calendar=parse_calendar(definition, calendar.name),
        versions=versions,
    )


def prepare(
    database: psycopg.Connection,
    entries: Sequence[Entry],
    owners: Owners,
    *,
    now: datetime,
    expansion: Expansion,
) -> None:
    """Plan each entry as on a template's creation at `now`, and put the plans into a table."""
    database.execute(TABLES)
    with database.cursor() as cursor, cursor.copy(COPY_MIX) as copy:
        for position, entry in enumerate(entries):
            copy.write_row(_row(position, entry, owners, now, expansion))


def load(database: psycopg.Connection, owners: Owners, *, mix: int, first: int, last: int) -> None:
    """Store templates `first` to `last` with their jobs; then vacuum, as autovacuum would."""
    if last < first:
        return
    values = {
        "mix": mix,
        "merchants": list(owners.merchants),
        "count": len(owners.merchants),
        "first": first,
        "last": last,
    }
    database.execute("TRUNCATE benchmark_template")
    database.execute(NUMBER, values)
    database.execute("ANALYZE benchmark_template")
    with _without_indexes(database):
        database.execute(TEMPLATES, {"versions": owners.versions})
        database.execute(JOBS)
    database.execute("VACUUM ANALYZE templates_app_template")
    database.execute("VACUUM ANALYZE jobs_job")


@contextmanager
def _without_indexes(database: psycopg.Connection) -> Iterator[None]:
    indexes = database.execute(INDEXES).fetchall()
    for name, _ in indexes:
        database.execute(SQL("DROP INDEX {}").format(Identifier(name)))
    yield
    for _, definition in indexes:
        database.execute(definition)


def _row(
    position: int, entry: Entry, owners: Owners, now: datetime, expansion: Expansion
) -> tuple[Any, ...]:
    payload = PLAIN if position % PLACEHOLDERS else WITH_PLACEHOLDER
    template = _template(entry, payload, owners, now)
    around = Surroundings({owners.calendar_id: owners.calendar}, {})
    outcome = outcome_of(template, around, now=naive(now), expansion=expansion)
    job = _only_job(outcome)
    assert outcome.expanded_to is not None
    assert outcome.next_expansion_at is not None
    return (
        position,
        template.recurrence,
        list(template.avoid),
        json.dumps(payload),
        aware(outcome.expanded_to),
        aware(outcome.next_expansion_at),
        job.occurrence_at,
        job.run_at,
        job.missed_at,
        job.handler,
        job.lane,
        json.dumps(job.payload),
    )


def _only_job(outcome: Outcome) -> NewOccurrence:
    """Return the job that is planned. Within the horizon no recurrence of the mix fires twice."""
    (job,) = outcome.jobs
    return job


def _template(entry: Entry, payload: dict[str, Any], owners: Owners, now: datetime) -> DueTemplate:
    fields = Template()
    return DueTemplate(
        id=new_id(),
        merchant_id=owners.merchants[0],
        merchant_slug="benchmark",
        merchant_name="Benchmark",
        merchant_active=True,
        name="Report",
        kind="python",
        payload=payload,
        has_placeholders="{{" in json.dumps(payload),
        priority=fields.priority,
        max_attempts=fields.max_attempts,
        backoff=None,
        timeout=fields.timeout,
        tags=[],
        metadata={},
        recurrence=json.dumps(parse(entry.document).document),
        avoid=(owners.calendar_id,) if entry.with_calendar else (),
        keep_to=(),
        on_closed=fields.on_closed,
        misfire=MisfirePolicy(
            policy=fields.misfire,
            grace=timedelta(seconds=fields.misfire_grace),
            window=timedelta(seconds=fields.misfire_window),
            limit=fields.misfire_limit,
        ),
        overlap="",
        paused_at=None,
        resume_at=None,
        expanded_to=None,
        replan=True,
        failures=0,
        created_at=now,
    )
