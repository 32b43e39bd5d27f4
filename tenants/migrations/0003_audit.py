"""The audit trail, which nothing changes or empties; how long a merchant keeps dead letters."""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


APPEND_ONLY = """
CREATE FUNCTION tenants_audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The audit trail is append-only: an entry is never changed and never deleted.'
          USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER tenants_audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tenants_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION tenants_audit_append_only();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0002_merchants_stay'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditChain',
            fields=[
                ('id', models.UUIDField(db_default=models.Func(function='uuidv7', output_field=models.UUIDField()), editable=False, primary_key=True, serialize=False)),
                ('number', models.BigIntegerField(help_text="Of the chain's last entry.")),
                ('hash', models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.UUIDField(db_default=models.Func(function='uuidv7', output_field=models.UUIDField()), editable=False, primary_key=True, serialize=False)),
                ('number', models.BigIntegerField()),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('actor_kind', models.CharField(max_length=16)),
                ('actor_id', models.UUIDField(null=True)),
                ('actor_name', models.CharField(max_length=254)),
                ('address', models.GenericIPAddressField(null=True)),
                ('verb', models.CharField(max_length=40)),
                ('object_type', models.CharField(max_length=40)),
                ('object_id', models.CharField(blank=True, max_length=64)),
                ('before', models.JSONField(null=True)),
                ('after', models.JSONField(null=True)),
                ('previous_hash', models.CharField(max_length=64)),
                ('hash', models.CharField(max_length=64)),
            ],
            options={
                'verbose_name': 'audit entry',
                'verbose_name_plural': 'audit trail',
                'ordering': ['-id'],
            },
        ),
        migrations.AddField(
            model_name='merchant',
            name='dead_letter_days',
            field=models.PositiveSmallIntegerField(default=90, help_text='How many days a dead letter is kept after it was redriven or discarded.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(3650)]),
        ),
        migrations.AddConstraint(
            model_name='merchant',
            constraint=models.CheckConstraint(condition=models.Q(('dead_letter_days__range', (1, 3650))), name='merchant_dead_letter_days_in_range'),
        ),
        migrations.AddField(
            model_name='auditchain',
            name='merchant',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.merchant'),
        ),
        migrations.AddField(
            model_name='auditentry',
            name='merchant',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.merchant'),
        ),
        migrations.AddConstraint(
            model_name='auditchain',
            constraint=models.UniqueConstraint(fields=('merchant',), name='audit_chain_of_merchant', nulls_distinct=False),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['merchant', '-id'], name='audit_merchant_newest'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['object_id', '-id'], name='audit_object'),
        ),
        migrations.AddConstraint(
            model_name='auditentry',
            constraint=models.UniqueConstraint(fields=('merchant', 'number'), name='audit_chain_order', nulls_distinct=False),
        ),
        migrations.RunSQL(
            APPEND_ONLY,
            """
            DROP TRIGGER tenants_audit_append_only ON tenants_auditentry;
            DROP FUNCTION tenants_audit_append_only;
            """,
        ),
    ]
