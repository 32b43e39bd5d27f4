"""The archive of finished jobs: a partitioned table, and the view over both tables of jobs."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.identifiers
from django.db import migrations, models

# What Django cannot say: a partitioned table. It has no default partition: the archiver makes the weeks
# of what it moves beforehand.
PARTITION_ARCHIVE = """
DROP TABLE jobs_archivedjob;
CREATE TABLE jobs_archivedjob (LIKE jobs_job INCLUDING DEFAULTS, PRIMARY KEY (id, finalized_at))
    PARTITION BY RANGE (finalized_at);
CREATE INDEX archived_job_merchant_newest ON jobs_archivedjob (merchant_id, id DESC);
CREATE INDEX archived_job_template_newest ON jobs_archivedjob (template_id, id DESC)
    WHERE template_id IS NOT NULL;
CREATE INDEX archived_job_occurrence ON jobs_archivedjob (template_id, occurrence_at)
    WHERE template_id IS NOT NULL;
CREATE INDEX archived_job_tags ON jobs_archivedjob USING gin (tags) WHERE tags <> '{}';
"""

# Column by column in the order of jobs_job: only a plain UNION ALL lets PostgreSQL ask the indexes of
# both sides. A column that comes later needs this once more, after it was added to both tables.
MAKE_VIEW = """
DO $$
BEGIN
    EXECUTE (
        SELECT format('CREATE OR REPLACE VIEW jobs_anyjob AS SELECT %1$s FROM jobs_job'
                      ' UNION ALL SELECT %1$s FROM jobs_archivedjob',
                      string_agg(quote_ident(attname), ', ' ORDER BY attnum))
          FROM pg_attribute
         WHERE attrelid = 'jobs_job'::regclass AND attnum > 0 AND NOT attisdropped);
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0004_redrive'),
        ('tenants', '0004_retention'),
    ]

    operations = [
        migrations.CreateModel(
            name='ArchivedJob',
            fields=[
                ('id', models.UUIDField(default=tenants.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('template_id', models.UUIDField(editable=False, null=True)),
                ('occurrence_at', models.DateTimeField(editable=False, null=True)),
                ('occurrence_note', models.CharField(blank=True, db_default='', default='', max_length=200)),
                ('origin', models.CharField(blank=True, choices=[('template', 'Template'), ('backfill', 'Backfill'), ('run_now', 'Run now'), ('person', 'Person')], db_default='', default='', max_length=8)),
                ('overlap', models.CharField(blank=True, choices=[('skip', 'Skip'), ('queue_one', 'Queue one'), ('cancel_running', 'Cancel running'), ('wait', 'Wait')], db_default='', default='', max_length=14)),
                ('gate', models.CharField(blank=True, choices=[('shut', 'Shut'), ('held', 'Held'), ('parked', 'Parked'), ('keyed', 'Keyed')], db_default='', default='', editable=False, max_length=6)),
                ('parked_by', models.UUIDField(editable=False, null=True)),
                ('parked_rank', models.DateTimeField(editable=False, null=True)),
                ('unanswered_since', models.DateTimeField(editable=False, null=True)),
                ('limited', models.BooleanField(db_default=False, default=False, editable=False)),
                ('concurrency_key', models.CharField(blank=True, db_default='', default='', editable=False, max_length=200)),
                ('concurrency_limit', models.PositiveSmallIntegerField(db_default=1, default=1, editable=False)),
                ('holds_place', models.BooleanField(db_default=False, default=False, editable=False)),
                ('in_line', models.BooleanField(db_default=False, default=False, editable=False)),
                ('tells_line', models.BooleanField(db_default=False, default=False, editable=False)),
                ('missed_at', models.DateTimeField(editable=False, help_text='Not queued by then, the occurrence counts as missed.', null=True)),
                ('kind', models.CharField(max_length=32)),
                ('handler', models.CharField(blank=True, default='', max_length=200)),
                ('lane', models.CharField(max_length=16)),
                ('name', models.CharField(blank=True, default='', max_length=200)),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, default=list, size=None)),
                ('metadata', models.JSONField(blank=True, default=dict)),
                ('payload', models.JSONField(blank=True, default=dict)),
                ('priority', models.PositiveSmallIntegerField(default=5, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(10)])),
                ('max_attempts', models.PositiveSmallIntegerField(default=5)),
                ('backoff', models.JSONField(blank=True, null=True)),
                ('timeout', models.FloatField(default=60.0, help_text='Seconds one attempt may take.')),
                ('run_at', models.DateTimeField(help_text='When the job was asked to run.')),
                ('expires_at', models.DateTimeField(blank=True, help_text='Not started by then, the job fails as expired.', null=True)),
                ('unique_key', models.CharField(blank=True, db_default='', default='', editable=False, max_length=200)),
                ('unique_scope', models.CharField(blank=True, choices=[('waiting', 'Waiting'), ('unfinished', 'Unfinished'), ('period', 'Period')], db_default='', default='', editable=False, max_length=10)),
                ('condition', models.CharField(blank=True, db_default='', default='', help_text="A CEL expression over the parents' results; when false, the job is skipped.", max_length=500)),
                ('draws_on_parents', models.BooleanField(db_default=False, default=False, editable=False)),
                ('awaited', models.BooleanField(db_default=False, default=False, editable=False)),
                ('status', models.CharField(choices=[('blocked', 'Blocked'), ('scheduled', 'Scheduled'), ('queued', 'Queued'), ('running', 'Running'), ('retryable', 'Retryable'), ('succeeded', 'Succeeded'), ('failed', 'Failed'), ('cancelled', 'Cancelled'), ('skipped', 'Skipped')], max_length=16)),
                ('scheduled_at', models.DateTimeField(help_text='When the next attempt is due.')),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('earlier_attempts', models.PositiveIntegerField(default=0)),
                ('lost_count', models.PositiveIntegerField(default=0)),
                ('ticket', models.BigIntegerField(editable=False, null=True)),
                ('queued_at', models.DateTimeField(null=True)),
                ('queue_lease_until', models.DateTimeField(null=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('worker_id', models.UUIDField(null=True)),
                ('at_most_once', models.BooleanField(db_default=False, default=False, editable=False)),
                ('deadline_at', models.DateTimeField(null=True)),
                ('cancel_requested_at', models.DateTimeField(null=True)),
                ('finalized_at', models.DateTimeField(null=True)),
                ('progress', models.PositiveSmallIntegerField(null=True)),
                ('progress_note', models.CharField(blank=True, default='', max_length=200)),
                ('skip_reason', models.CharField(blank=True, db_default='', default='', help_text='Why the job was not run, or not to its end.', max_length=200)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='AnyJob',
            fields=[
            ],
            options={
                'ordering': ['-id'],
                'proxy': True,
                'indexes': [],
                'constraints': [],
            },
            bases=('jobs.job',),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('finalized_at__isnull', False)), fields=['finalized_at', 'id'], name='job_finalized'),
        ),
        migrations.AddField(
            model_name='archivedjob',
            name='merchant',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.merchant'),
        ),
        migrations.AlterField(
            model_name='deadletter',
            name='job',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='dead_letters', to='jobs.job'),
        ),
        migrations.AlterField(
            model_name='dependency',
            name='child',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='parents', to='jobs.job'),
        ),
        migrations.AlterField(
            model_name='dependency',
            name='parent',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='children', to='jobs.job'),
        ),
        migrations.AddIndex(
            model_name='archivedjob',
            index=models.Index(fields=['merchant', '-id'], name='archived_job_merchant_newest'),
        ),
        migrations.AddIndex(
            model_name='archivedjob',
            index=models.Index(condition=models.Q(('template_id__isnull', False)), fields=['template_id', '-id'], name='archived_job_template_newest'),
        ),
        migrations.AddIndex(
            model_name='archivedjob',
            index=models.Index(condition=models.Q(('template_id__isnull', False)), fields=['template_id', 'occurrence_at'], name='archived_job_occurrence'),
        ),
        migrations.AddIndex(
            model_name='archivedjob',
            index=django.contrib.postgres.indexes.GinIndex(condition=models.Q(('tags', []), _negated=True), fields=['tags'], name='archived_job_tags'),
        ),
        migrations.RunSQL(PARTITION_ARCHIVE, migrations.RunSQL.noop),
        migrations.RunSQL(MAKE_VIEW, "DROP VIEW jobs_anyjob"),
    ]
