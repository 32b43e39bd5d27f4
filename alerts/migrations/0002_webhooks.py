# Endpoints, events and deliveries of outgoing webhooks.

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.identifiers
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('alerts', '0001_initial'),
        ('jobs', '0003_watcher'),
        ('tenants', '0002_merchants_stay'),
    ]

    operations = [
        migrations.CreateModel(
            name='WebhookEndpoint',
            fields=[
                ('id', models.UUIDField(default=tenants.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('url', models.CharField(max_length=2048)),
                ('host', models.CharField(editable=False, max_length=200)),
                ('description', models.CharField(blank=True, default='', max_length=200)),
                ('events', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), size=None)),
                ('kind', models.CharField(blank=True, default='', max_length=32)),
                ('template_id', models.UUIDField(blank=True, null=True)),
                ('active', models.BooleanField(default=True)),
                ('sealed_secret', models.TextField(editable=False)),
                ('sealed_old_secret', models.TextField(blank=True, default='', editable=False)),
                ('old_secret_until', models.DateTimeField(editable=False, null=True)),
                ('failing_since', models.DateTimeField(editable=False, null=True)),
                ('last_failure_at', models.DateTimeField(editable=False, null=True)),
                ('last_success_at', models.DateTimeField(editable=False, null=True)),
                ('disabled_at', models.DateTimeField(editable=False, null=True)),
                ('disabled_reason', models.CharField(blank=True, default='', editable=False, max_length=300)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('deleted_at', models.DateTimeField(editable=False, null=True)),
                ('merchant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='tenants.merchant')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='WebhookEvent',
            fields=[
                ('id', models.UUIDField(db_default=models.Func(function='uuidv7', output_field=models.UUIDField()), editable=False, primary_key=True, serialize=False)),
                ('type', models.CharField(max_length=64)),
                ('subject', models.UUIDField()),
                ('kind', models.CharField(blank=True, default='', max_length=32)),
                ('template_id', models.UUIDField(null=True)),
                ('body', models.TextField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('fanned_out', models.BooleanField(db_default=False, default=False)),
                ('merchant', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.merchant')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='WebhookDelivery',
            fields=[
                ('id', models.UUIDField(default=tenants.identifiers.new_id, editable=False, primary_key=True, serialize=False)),
                ('again', models.BooleanField(db_default=False, default=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('job', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='jobs.job')),
                ('merchant', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.merchant')),
                ('endpoint', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='alerts.webhookendpoint')),
                ('event', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='deliveries', to='alerts.webhookevent')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.AddIndex(
            model_name='webhookendpoint',
            index=models.Index(fields=['merchant', '-id'], name='webhook_endpoint_newest'),
        ),
        migrations.AddIndex(
            model_name='webhookendpoint',
            index=models.Index(condition=models.Q(('active', True)), fields=['merchant'], name='webhook_endpoint_on'),
        ),
        migrations.AddIndex(
            model_name='webhookendpoint',
            index=models.Index(condition=models.Q(('failing_since__isnull', False)), fields=['failing_since'], name='webhook_endpoint_failing'),
        ),
        migrations.AddConstraint(
            model_name='webhookendpoint',
            constraint=models.CheckConstraint(condition=models.Q(('sealed_secret', ''), _negated=True), name='webhook_endpoint_has_a_secret'),
        ),
        migrations.AddConstraint(
            model_name='webhookendpoint',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('old_secret_until', None), ('sealed_old_secret', '')), models.Q(models.Q(('sealed_old_secret', ''), _negated=True), ('old_secret_until__isnull', False)), _connector='OR'), name='webhook_endpoint_old_secret_ends'),
        ),
        migrations.AddConstraint(
            model_name='webhookendpoint',
            constraint=models.CheckConstraint(condition=models.Q(('deleted_at', None), ('active', False), _connector='OR'), name='webhook_endpoint_deleted_is_off'),
        ),
        migrations.AddConstraint(
            model_name='webhookendpoint',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('disabled_at', None), ('disabled_reason', '')), models.Q(('disabled_at__isnull', False), models.Q(('disabled_reason', ''), _negated=True)), _connector='OR'), name='webhook_endpoint_disabled_with_a_reason'),
        ),
        migrations.AddIndex(
            model_name='webhookevent',
            index=models.Index(fields=['merchant', '-id'], name='webhook_event_newest'),
        ),
        migrations.AddIndex(
            model_name='webhookevent',
            index=models.Index(condition=models.Q(('fanned_out', False)), fields=['id'], name='webhook_event_new'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(fields=['merchant', '-id'], name='webhook_delivery_newest'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(fields=['endpoint', '-id'], name='webhook_delivery_endpoint'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(fields=['event'], name='webhook_delivery_event'),
        ),
        migrations.AddConstraint(
            model_name='webhookdelivery',
            constraint=models.UniqueConstraint(condition=models.Q(('again', False)), fields=('endpoint', 'event'), name='webhook_delivery_once'),
        ),
        migrations.AddConstraint(
            model_name='webhookdelivery',
            constraint=models.UniqueConstraint(fields=('job',), name='webhook_delivery_of_job'),
        ),
    ]
