"""manage.py demo: make the demo merchant with people, a key, jobs and templates; changes nothing the second time."""

import json
import os
from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError

from taskflow.demo import SLUG, CannotMakeDemo, Demo, demo_exists, make_demo
from tenants.clock import database_now

DEFAULT_BASE_URL = "http://127.0.0.1:8000"


class Command(BaseCommand):
    help = "Make a demo merchant with people, an API key, jobs and templates, unless it is there already."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--echo-url",
            default=os.environ.get("TASKFLOW_ECHO_URL", ""),
            help="where `manage.py echo_target` listens (TASKFLOW_ECHO_URL unless given)",
        )
        parser.add_argument(
            "--base-url", default=DEFAULT_BASE_URL, help="where the API listens, for the hints"
        )

    def handle(self, *args: Any, echo_url: str, base_url: str, **options: Any) -> None:
        for option, url in (("--echo-url", echo_url), ("--base-url", base_url)):
            if url and urlsplit(url).scheme not in {"http", "https"}:
                raise CommandError(f"{option} must start with http:// or https://; got {url!r}.")
        if demo_exists():
            self._tell_nothing_new(as_json=options["json"])
            return
        if not echo_url:
            self.stderr.write(
                "No echo target is known, so the demo has no http jobs. Start `manage.py "
                "echo_target` and give its address as --echo-url to have them."
            )
        try:
            demo = make_demo(now=database_now(), echo_url=echo_url)
        except CannotMakeDemo as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(demo)))
        else:
            self.stdout.write(_for_people(demo, base_url.rstrip("/")))

    def _tell_nothing_new(self, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"created": False}))
        else:
            self.stdout.write(f'The merchant "{SLUG}" is there already; nothing was changed.')


def _as_json(demo: Demo) -> dict[str, Any]:
    return {
        "created": True,
        "api_key": demo.api_key,
        "admin_email": demo.admin.email,
        "admin_password": demo.admin.password,
        "merchant_admin_email": demo.merchant_admin.email,
        "merchant_admin_password": demo.merchant_admin.password,
        "merchant_member_email": demo.merchant_member.email,
        "merchant_member_password": demo.merchant_member.password,
        "jobs": demo.jobs,
    }


def _for_people(demo: Demo, base_url: str) -> str:
    logins = (
        ("super admin", demo.admin),
        ("merchant admin", demo.merchant_admin),
        ("merchant member", demo.merchant_member),
    )
    lines = [f'Made the merchant "{SLUG}" with {demo.jobs} jobs. These are shown only once:']
    lines += [f"  {who:<15} {login.email}  {login.password}" for who, login in logins]
    lines += [
        f"  {'API key':<15} {demo.api_key}",
        f"The admin is at {base_url}/admin/",
    ]
    return "\n".join(lines)
