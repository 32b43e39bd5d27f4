"""Redrives of many dead letters; resolved letters found by age, to be forgotten."""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import jobs.redrive_stages
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0003_watcher'),
        ('tenants', '0003_audit'),
    ]

    operations = [
        migrations.CreateModel(
            name='Redrive',
            fields=[
                ('id', models.UUIDField(db_default=models.Func(function='uuidv7', output_field=models.UUIDField()), editable=False, primary_key=True, serialize=False)),
                ('chosen_by', models.JSONField(default=dict, help_text='How its dead letters were chosen.')),
                ('patch', models.JSONField(help_text='RFC 7386; applied to each payload.', null=True)),
                ('rate', models.FloatField(help_text='Jobs per second.')),
                ('state', models.CharField(choices=[('running', 'running'), ('stopped', 'stopped'), ('done', 'done')], default=jobs.redrive_stages.RedriveState['RUNNING'], max_length=8)),
                ('stage', models.CharField(choices=[('canary', 'canary'), ('tenth', 'tenth'), ('rest', 'rest')], default=jobs.redrive_stages.Stage['CANARY'], max_length=8)),
                ('allowance', models.FloatField(default=1.0)),
                ('stepped_at', models.DateTimeField(null=True)),
                ('total', models.PositiveIntegerField()),
                ('redriven', models.PositiveIntegerField(default=0)),
                ('succeeded', models.PositiveIntegerField(default=0)),
                ('failed', models.PositiveIntegerField(default=0)),
                ('cancelled', models.PositiveIntegerField(default=0)),
                ('left_out', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('created_by', models.CharField(max_length=200)),
                ('stopped_at', models.DateTimeField(null=True)),
                ('stopped_by', models.CharField(blank=True, default='', max_length=200)),
                ('stop_reason', models.CharField(blank=True, default='', max_length=500)),
                ('finished_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='RedriveItem',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('position', models.PositiveIntegerField()),
                ('letter_id', models.UUIDField()),
                ('job_id', models.UUIDField()),
                ('state', models.CharField(choices=[('waiting', 'waiting'), ('going', 'going'), ('succeeded', 'succeeded'), ('failed', 'failed'), ('cancelled', 'cancelled'), ('left_out', 'left_out')], default=jobs.redrive_stages.ItemState['WAITING'], max_length=10)),
                ('note', models.CharField(blank=True, default='', max_length=300)),
            ],
        ),
        migrations.AddIndex(
            model_name='deadletter',
            index=models.Index(condition=models.Q(('resolution', ''), _negated=True), fields=['merchant', 'resolved_at'], name='dead_letter_resolved'),
        ),
        migrations.AddField(
            model_name='redrive',
            name='merchant',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='redrives', to='tenants.merchant'),
        ),
        migrations.AddField(
            model_name='redriveitem',
            name='redrive',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='items', to='jobs.redrive'),
        ),
        migrations.AddIndex(
            model_name='redrive',
            index=models.Index(fields=['merchant', '-id'], name='redrive_merchant_newest'),
        ),
        migrations.AddIndex(
            model_name='redrive',
            index=models.Index(models.OrderBy(models.F('stepped_at'), nulls_first=True), condition=models.Q(('state', 'done'), _negated=True), name='redrive_unfinished'),
        ),
        migrations.AddConstraint(
            model_name='redrive',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', False), ('state', 'done')), models.Q(models.Q(('state', 'done'), _negated=True), ('finished_at__isnull', True)), _connector='OR'), name='redrive_finished_at_iff_done'),
        ),
        migrations.AddConstraint(
            model_name='redrive',
            constraint=models.CheckConstraint(condition=models.Q(('total__gte', django.db.models.expressions.CombinedExpression(models.F('redriven'), '+', models.F('left_out'))), ('redriven__gte', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('succeeded'), '+', models.F('failed')), '+', models.F('cancelled')))), name='redrive_counts_add_up'),
        ),
        migrations.AddConstraint(
            model_name='redrive',
            constraint=models.CheckConstraint(condition=models.Q(('rate__gt', 0)), name='redrive_rate_is_positive'),
        ),
        migrations.AddIndex(
            model_name='redriveitem',
            index=models.Index(condition=models.Q(('state', 'waiting')), fields=['redrive', 'position'], name='redrive_item_waiting'),
        ),
        migrations.AddIndex(
            model_name='redriveitem',
            index=models.Index(condition=models.Q(('state', 'going')), fields=['redrive', 'position'], name='redrive_item_going'),
        ),
        migrations.AddConstraint(
            model_name='redriveitem',
            constraint=models.UniqueConstraint(fields=('redrive', 'position'), name='redrive_item_order'),
        ),
    ]
