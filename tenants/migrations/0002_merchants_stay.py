"""What Django cannot say: merchants are deactivated, never deleted, whoever asks.

So a row that names a merchant needs no check of a foreign key (`jobs_job`), and no deletion can come
between reading a merchant and storing what is its own.
"""

from django.db import migrations

MERCHANTS_STAY = """
CREATE FUNCTION tenants_merchants_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Merchants are deactivated, not deleted: set "active" to false.'
          USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER tenants_merchants_stay BEFORE DELETE ON tenants_merchant
    FOR EACH STATEMENT EXECUTE FUNCTION tenants_merchants_stay();
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        migrations.RunSQL(
            MERCHANTS_STAY,
            """
            DROP TRIGGER tenants_merchants_stay ON tenants_merchant;
            DROP FUNCTION tenants_merchants_stay;
            """,
        )
    ]
