"""How far a stream of facts has been read."""

from django.db import models


class Cursor(models.Model):
    """The last id (UUIDv7) of a stream that was looked at."""

    stream = models.CharField(max_length=32, primary_key=True)
    position = models.UUIDField()
