"""How named statements reach PostgreSQL."""

from datetime import UTC, datetime

import psycopg
import pytest
from django.db import DatabaseError, connection, connections, transaction

from taskflow.settings import _database as configured
from taskflow.worker import bound_idle_transactions
from tenants.identifiers import new_id
from tenants.statement import execute
from tests.acceptance.stack import eventually
from tests.factories.jobs import make_merchant

pytestmark = pytest.mark.django_db
ECHO = "SELECT %(text)s::text, %(ids)s::uuid[], %(at)s::timestamptz"
PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s"
AT = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def prepared(like):
    with connection.cursor() as cursor:
        cursor.execute(PREPARED, [like])
        return cursor.fetchone()[0]


@pytest.mark.parametrize("text", ["", "it's 100 % \\ {}", "\N{SNOWMAN}", None])
@pytest.mark.parametrize("is_prepared", [True, False])
def test_values_arrive_as_they_were_given(settings, is_prepared, text):
    settings.TASKFLOW_PREPARE_STATEMENTS = is_prepared
    ids = [new_id(), new_id()]
    for given in ([], ids, ids[:1], ids):
        assert execute(ECHO, text=text, ids=given, at=AT) == [(text, given, AT)]


def test_statement_that_comes_again_is_prepared_once():
    for number in range(5):
        execute("SELECT %(number)s::bigint AS comes_again", number=number)
    assert prepared("%comes_again%") == 1


def test_nothing_is_prepared_where_a_pooler_would_not_know_it(settings):
    settings.TASKFLOW_PREPARE_STATEMENTS = False
    for number in range(5):
        execute("SELECT %(number)s::bigint AS never_prepared", number=number)
    assert prepared("%never_prepared%") == 0


def test_statement_without_rows_answers_with_none():
    changed, bystander = make_merchant(name="Before"), make_merchant(name="Bystander")
    rename = "UPDATE tenants_merchant SET name = %(name)s WHERE id = %(id)s"
    assert execute(rename, name="After", id=changed.id) == []
    changed.refresh_from_db()
    bystander.refresh_from_db()
    assert (changed.name, bystander.name) == ("After", "Bystander")


@pytest.mark.django_db(transaction=True)
def test_statement_is_prepared_anew_after_a_failure():
    for _ in range(3):
        assert execute("SELECT 1 / %(by)s::int AS divided", by=1) == [(1,)]
    with pytest.raises(DatabaseError, match="division by zero"), transaction.atomic():
        execute("SELECT 1 / %(by)s::int AS divided", by=0)
    for _ in range(3):
        assert execute("SELECT 1 / %(by)s::int AS divided", by=1) == [(1,)]


def test_plan_made_while_a_table_was_empty_does_not_read_all_of_it():
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_job")
        cursor.execute("EXPLAIN SELECT id FROM jobs_job WHERE id = %s", [new_id()])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan" not in plan


def test_options_of_the_database_url_come_after_ours_and_win(database_url):
    joint = "&" if "?" in database_url else "?"
    url = f"{database_url}{joint}options=-c%20enable_seqscan%3Don%20-c%20work_mem%3D5MB"
    options = configured(url)["OPTIONS"]
    with psycopg.connect(database_url, options=options["options"]) as session:
        shown = session.execute(
            "SELECT current_setting('enable_seqscan'), current_setting('work_mem')"
        )
        assert shown.fetchall() == [("on", "5MB")]


def test_a_lanes_sessions_end_when_they_freeze_inside_a_transaction(monkeypatch, database_url):
    options = {"options": "-c work_mem=5MB"}
    monkeypatch.setitem(connections.settings["default"], "OPTIONS", options)
    bound_idle_transactions(0.2)
    session = psycopg.connect(database_url, options=options["options"])
    session.execute("SHOW work_mem")  # in a transaction, and silent from now on
    with psycopg.connect(database_url, autocommit=True) as other:
        eventually(lambda: not _lives(other, session.info.backend_pid), "its session ends")
    session.close()


def _lives(other, pid):
    return other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone()
