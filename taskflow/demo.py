"""The demo: a merchant, its people, a key, and a handful of jobs and templates to look at."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from alerts.operations.default_rules import add_default_rules
from apikeys.operations import issue_key
from apikeys.scopes import Scope
from jobs.operations.create import create_jobs
from jobs.operations.fields import InvalidFields
from jobs.operations.new_job import read_new_job
from taskflow.demo_templates import make_demo_templates
from tenants.models import Merchant, User
from tenants.operations import add_member, create_merchant
from tenants.roles import Role

SLUG = "demo"
SUPER_ADMIN = "admin@taskflow.local"
MERCHANT_ADMIN = "boss@demo.taskflow.local"
MERCHANT_MEMBER = "clerk@demo.taskflow.local"
PASSWORD_BYTES = 12
ORDERS = 5


@dataclass(frozen=True, kw_only=True)
class Login:
    """A person who can log in; the password is known nowhere else."""

    email: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Demo:
    """What was made, with the secrets that are shown once."""

    api_key: str = field(repr=False)
    admin: Login
    merchant_admin: Login
    merchant_member: Login
    jobs: int


class CannotMakeDemo(Exception):
    """Something that the demo needs is in the way; the message says what, and the remedy."""


def demo_exists() -> bool:
    """Tell whether the demo merchant is there already."""
    return Merchant.objects.filter(slug=SLUG).exists()


@transaction.atomic
def make_demo(*, now: datetime, echo_url: str) -> Demo:
    """Make all of it or nothing; without an `echo_url` the jobs that call it are left out.

    A super admin who is there already gets a new password. Raises CannotMakeDemo.
    """
    merchant = create_merchant(name="Demo Shop", slug=SLUG, time_zone="Europe/Madrid")
    add_default_rules(None, now=now)
    admin = _super_admin()
    merchant_admin = _person(merchant, MERCHANT_ADMIN, "Demo merchant admin", Role.MERCHANT_ADMIN)
    member = _person(merchant, MERCHANT_MEMBER, "Demo merchant member", Role.MERCHANT_MEMBER)
    issued = issue_key(merchant=merchant, name="Demo", scopes=Scope.values, now=now)
    wanted = [*_python_jobs(), *(_http_jobs(echo_url) if echo_url else [])]
    try:
        new_jobs = [read_new_job(job, now=now, merchant_id=merchant.pk) for job in wanted]
    except InvalidFields as error:
        raise CannotMakeDemo(
            f"The demo's jobs cannot call {echo_url} ({error}) An echo target on loopback needs "
            "TASKFLOW_HTTP_ALLOW_NETWORKS=127.0.0.0/8."
        ) from error
    created = create_jobs(merchant=merchant, new_jobs=new_jobs, now=now)
    make_demo_templates(merchant=merchant, now=now)
    return Demo(
        api_key=issued.text,
        admin=admin,
        merchant_admin=merchant_admin,
        merchant_member=member,
        jobs=len(created),
    )


def _super_admin() -> Login:
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    known = User.objects.filter(email=SUPER_ADMIN, is_superuser=True).first()
    if known:
        known.set_password(password)
        known.save(update_fields=["password"])
    else:
        User.objects.create_superuser(SUPER_ADMIN, password, name="Super admin")
    return Login(email=SUPER_ADMIN, password=password)


def _person(merchant: Merchant, email: str, name: str, role: Role) -> Login:
    if User.objects.filter(email=email).exists():
        raise CannotMakeDemo(
            f"There is a user {email} already, but no merchant {SLUG}. Rename that user, then try "
            "again."
        )
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    user = User.objects.create_user(email, password, name=name)
    add_member(merchant=merchant, user=user, role=role)
    return Login(email=email, password=password)


def _python_jobs() -> list[dict[str, Any]]:
    return [
        {
            "kind": "python",
            "name": "Greet the newcomer",
            "payload": {"handler": "demo.echo", "arguments": {"hello": "world"}},
            "tags": ["demo"],
        },
        {
            "kind": "python",
            "name": "Due in an hour",
            "payload": {"handler": "demo.noop", "arguments": {}},
            "delay": 3600,
            "tags": ["demo"],
        },
    ]


def _http_jobs(echo_url: str) -> list[dict[str, Any]]:
    base = echo_url.rstrip("/")
    orders = [
        {
            "kind": "http",
            "name": f"Confirm order {number}",
            "payload": {"method": "POST", "url": f"{base}/echo", "json": {"order": number}},
            "tags": ["demo", "orders"],
        }
        for number in range(1, ORDERS + 1)
    ]
    shaky = [
        {
            "kind": "http",
            "name": f"Ask a shaky supplier about item {number}",
            "payload": {"method": "GET", "url": f"{base}/fail/2"},
            "backoff": {"strategy": "exponential", "base": 1, "factor": 2, "jitter": 0},
            "tags": ["demo", "suppliers"],
        }
        for number in (1, 2)
    ]
    broken = {
        "kind": "http",
        "name": "Call a supplier that is down",
        "payload": {"method": "POST", "url": f"{base}/status/500", "json": {"item": 7}},
        "max_attempts": 3,
        "backoff": {"strategy": "fixed", "base": 1, "jitter": 0},
        "tags": ["demo", "suppliers"],
    }
    return [*orders, *shaky, broken]
