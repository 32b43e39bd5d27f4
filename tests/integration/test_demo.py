"""manage.py demo: what it makes, that it says the secrets once, and that it can be run again."""

import json
from io import StringIO
from ipaddress import ip_network

import pytest
from django.core.management import CommandError, call_command

from apikeys.models import ApiKey
from apikeys.scopes import Scope
from jobs.engine import Engine
from jobs.models import Job
from templates_app.models import Calendar, Template
from tenants.models import Merchant, User
from tenants.roles import Role
from tests.factories.jobs import make_job, make_merchant

pytestmark = pytest.mark.django_db

ECHO = "http://127.0.0.1:8099"


@pytest.fixture(autouse=True)
def loopback_is_allowed(settings):
    """As `make up` sets it: http jobs may call the echo target."""
    settings.TASKFLOW_ENGINE = Engine(http_allow_networks=(ip_network("127.0.0.0/8"),))


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """Argon2 takes longer than all the rest of a test."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def demo(*options):
    """Run the command; return what it wrote to its two streams."""
    out, err = StringIO(), StringIO()
    call_command("demo", *options, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_people_can_log_in_and_have_their_roles():
    made = json.loads(demo("--json", "--echo-url", ECHO)[0])
    merchant = Merchant.objects.get(slug="demo")
    assert (merchant.name, merchant.time_zone) == ("Demo Shop", "Europe/Madrid")
    roles = {
        "admin": None,
        "merchant_admin": Role.MERCHANT_ADMIN,
        "merchant_member": Role.MERCHANT_MEMBER,
    }
    for who, role in roles.items():
        user = User.objects.get(email=made[f"{who}_email"])
        assert user.check_password(made[f"{who}_password"])
        assert (user.is_staff, user.is_superuser) == (True, role is None)
        assert [m.role for m in user.memberships.filter(merchant=merchant)] == [role][: bool(role)]


def test_key_is_told_once_and_may_do_everything():
    made = json.loads(demo("--json")[0])
    key = ApiKey.objects.get()
    assert made["api_key"].startswith(f"tf_live_{key.public_id}_")
    assert made["api_key"] not in json.dumps(key.__dict__, default=str)
    assert set(key.scopes) == set(Scope.values)


def test_jobs_succeed_fail_first_fail_for_good_and_wait():
    made = json.loads(demo("--json", "--echo-url", f"{ECHO}/")[0])
    jobs = Job.objects.filter(merchant__slug="demo", template_id=None)
    assert jobs.count() == made["jobs"]
    addresses = {job.payload["url"].removeprefix(ECHO) for job in jobs.filter(kind="http")}
    assert addresses == {"/echo", "/fail/2", "/status/500"}
    assert jobs.get(payload__url=f"{ECHO}/status/500").max_attempts == 3
    assert jobs.filter(handler="demo.echo").count() == 1
    later = jobs.get(handler="demo.noop")
    assert (later.scheduled_at - later.created_at).total_seconds() > 3_000


def test_templates_are_planned_with_a_calendar():
    demo("--json")
    templates = Template.objects.filter(merchant__slug="demo")
    assert templates.count() == 4
    assert {template.state for template in templates} == {"active"}
    assert [calendar.name for calendar in Calendar.objects.all()] == [
        "Weekends and holidays in Madrid"
    ]
    for template in templates:
        assert Job.objects.filter(template_id=template.id, status="scheduled").exists()


def test_without_an_echo_target_the_http_jobs_are_left_out_and_said_so(monkeypatch):
    monkeypatch.delenv("TASKFLOW_ECHO_URL", raising=False)
    out, err = demo("--json")
    assert json.loads(out)["jobs"] == Job.objects.filter(template_id=None).count() == 2
    assert "no http jobs" in err


def test_echo_target_is_taken_from_the_environment(monkeypatch):
    monkeypatch.setenv("TASKFLOW_ECHO_URL", ECHO)
    demo("--json")
    assert Job.objects.filter(payload__url=f"{ECHO}/echo").exists()


def test_second_run_changes_nothing_and_says_so():
    demo("--json", "--echo-url", ECHO)
    models = (Merchant, User, ApiKey, Job)
    before = [list(model.objects.order_by("pk").values()) for model in models]
    assert json.loads(demo("--json", "--echo-url", ECHO)[0]) == {"created": False}
    assert "there already; nothing was changed" in demo("--echo-url", ECHO)[0]
    assert [list(model.objects.order_by("pk").values()) for model in models] == before


def test_failing_half_way_leaves_nothing_behind():
    bystander = make_job(merchant=make_merchant("bystander"))
    User.objects.create_user("boss@demo.taskflow.local")
    with pytest.raises(CommandError, match="Rename that user"):
        demo("--json", "--echo-url", ECHO)
    assert not Merchant.objects.filter(slug="demo").exists()
    assert not ApiKey.objects.exists()
    assert list(Job.objects.all()) == [bystander]


def test_known_super_admin_gets_a_new_password():
    User.objects.create_superuser("admin@taskflow.local", "forgotten")
    made = json.loads(demo("--json")[0])
    user = User.objects.get(email="admin@taskflow.local")
    assert user.check_password(made["admin_password"])


def test_for_people_it_prints_logins_key_and_address():
    out, _ = demo("--echo-url", ECHO, "--base-url", "http://127.0.0.1:9000/")
    for words in ("admin@taskflow.local", "tf_live_", "http://127.0.0.1:9000/admin/", "only once"):
        assert words in out


def test_closed_loopback_is_explained(settings):
    settings.TASKFLOW_ENGINE = Engine()
    with pytest.raises(CommandError, match="TASKFLOW_HTTP_ALLOW_NETWORKS"):
        demo("--echo-url", ECHO)
    assert not Merchant.objects.exists()


@pytest.mark.parametrize("option", ["--echo-url", "--base-url"])
def test_address_of_another_scheme_is_refused(option):
    with pytest.raises(CommandError, match=option):
        demo(option, "ftp://127.0.0.1")
    assert not Merchant.objects.exists()
