# Merchants take turns in the fan-out, and processes learn by one row whether the audience changed.

from django.db import migrations, models

AUDIENCE = """
CREATE FUNCTION alerts_audience_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO alerts_cursor (stream, position) VALUES ('audience', uuidv7())
    ON CONFLICT (stream) DO UPDATE SET position = excluded.position;
    RETURN NULL;
END $$;
CREATE TRIGGER alerts_audience_changed
 AFTER INSERT OR DELETE OR UPDATE OF active, events, merchant_id ON alerts_webhookendpoint
   FOR EACH STATEMENT EXECUTE FUNCTION alerts_audience_changed();
"""
NO_AUDIENCE = """
DROP TRIGGER alerts_audience_changed ON alerts_webhookendpoint;
DROP FUNCTION alerts_audience_changed();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('alerts', '0002_webhooks'),
    ]

    operations = [
        migrations.RemoveIndex(model_name='webhookevent', name='webhook_event_new'),
        migrations.AddIndex(
            model_name='webhookevent',
            index=models.Index(condition=models.Q(('fanned_out', False)), fields=['merchant', 'id'], name='webhook_event_waiting'),
        ),
        migrations.RunSQL(AUDIENCE, NO_AUDIENCE),
    ]
