"""manage.py create_api_key: issue a key from the command line; prints it once."""

from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from apikeys.operations import issue_key
from apikeys.scopes import Scope
from tenants.clock import database_now
from tenants.models import Merchant


class Command(BaseCommand):
    help = "Issue an API key for a merchant. The key goes to standard output, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--merchant", required=True, metavar="SLUG")
        parser.add_argument("--name", required=True, help="Where the key will be used.")
        parser.add_argument(
            "--scopes",
            default=",".join(Scope.values),
            help="Separated by commas; without this option all of %(default)s.",
        )
        parser.add_argument(
            "--expires-in-days", type=int, default=None, help="Without it the key never expires."
        )
        parser.add_argument(
            "--allowed-networks",
            default="",
            help="In CIDR notation, separated by commas; without it the key works everywhere.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["merchant"]
        merchant = Merchant.objects.filter(slug=slug).first()
        if merchant is None:
            raise CommandError(f"--merchant: there is no merchant with the slug {slug!r}.")
        now = database_now()
        try:
            issued = issue_key(
                merchant=merchant,
                name=options["name"],
                scopes=_items(options["scopes"]),
                allowed_networks=_items(options["allowed_networks"]),
                expires_at=_expiry(now, options["expires_in_days"]),
                now=now,
            )
        except ValidationError as error:
            raise CommandError("; ".join(_sentences(error))) from error
        self.stderr.write(f"Issued {issued.key.masked} for {merchant}. It is shown only now:")
        self.stdout.write(issued.text)


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _expiry(now: datetime, days: int | None) -> datetime | None:
    if days is None:
        return None
    if not 1 <= days <= 36_500:
        raise CommandError("--expires-in-days must be between 1 and 36500.")
    return now + timedelta(days=days)


def _sentences(error: ValidationError) -> list[str]:
    return [
        f"--{name.replace('_', '-')}: {sentence}"
        for name, sentences in error.message_dict.items()
        for sentence in sentences
    ]
