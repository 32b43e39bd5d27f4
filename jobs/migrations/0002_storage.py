"""What Django cannot say: partitions for executions, storage for a table that changes all the time."""

from django.db import migrations

# A UUIDv7 begins with its creation time in milliseconds, so a range of ids is a span of time.
PARTITION_EXECUTIONS = """
DROP TABLE jobs_execution;
CREATE TABLE jobs_execution (
    id uuid NOT NULL DEFAULT uuidv7() PRIMARY KEY,
    job_id uuid NOT NULL,
    merchant_id uuid NOT NULL,
    number integer NOT NULL CHECK (number >= 0),
    outcome varchar(16) NOT NULL,
    scheduled_at timestamptz NOT NULL,
    queued_at timestamptz,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    worker_id uuid,
    http_status smallint CHECK (http_status >= 0),
    error_code varchar(100) NOT NULL,
    error_message text NOT NULL,
    error_detail text NOT NULL,
    output jsonb,
    log jsonb NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX execution_job_number ON jobs_execution (job_id, number);
CREATE INDEX execution_merchant_newest ON jobs_execution (merchant_id, id DESC);
CREATE TABLE jobs_execution_default PARTITION OF jobs_execution DEFAULT;
"""

# Mirrors jobs.partitions, which keeps weeks ahead from then on: a week that has rows in the
# default partition can no longer be made.
FIRST_WEEKS = """
DO $$
DECLARE
    monday timestamptz := date_trunc('week', clock_timestamp() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
    low text;
    high text;
BEGIN
    FOR week IN 0..4 LOOP
        low := lpad(to_hex((extract(epoch FROM monday + week * interval '7 days') * 1000)::bigint), 12, '0');
        high := lpad(to_hex((extract(epoch FROM monday + (week + 1) * interval '7 days') * 1000)::bigint), 12, '0');
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF jobs_execution FOR VALUES FROM (%L) TO (%L)',
            'jobs_execution_' || to_char((monday + week * interval '7 days') AT TIME ZONE 'UTC', 'YYYYMMDD'),
            rpad(low, 32, '0')::uuid, rpad(high, 32, '0')::uuid);
    END LOOP;
END $$;
"""

# Each job is rewritten three times: leave room on its page, and clean up early.
STORAGE = """
ALTER TABLE jobs_job SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
                          autovacuum_vacuum_threshold = 2000, autovacuum_analyze_scale_factor = 0.05);
"""


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial")]

    operations = [
        migrations.RunSQL(PARTITION_EXECUTIONS, migrations.RunSQL.noop),
        migrations.RunSQL(FIRST_WEEKS, migrations.RunSQL.noop),
        migrations.RunSQL(
            STORAGE,
            "ALTER TABLE jobs_job RESET (fillfactor, autovacuum_vacuum_scale_factor, "
            "autovacuum_vacuum_threshold, autovacuum_analyze_scale_factor)",
        ),
    ]
