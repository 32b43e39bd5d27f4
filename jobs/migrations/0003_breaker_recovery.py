from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0002_storage")]

    operations = [
        migrations.AddField("breaker", "recovering_at", models.DateTimeField(null=True)),
        migrations.AddField("breaker", "answers", models.PositiveIntegerField(default=0)),
        migrations.AddConstraint(
            model_name="breaker",
            constraint=models.CheckConstraint(
                condition=models.Q(("answers", 0), ("recovering_at", None))
                | models.Q(
                    ("answers__gt", 0),
                    ("opened_at__isnull", False),
                    ("recovering_at__isnull", False),
                ),
                name="breaker_recovers_by_answers",
            ),
        ),
    ]
