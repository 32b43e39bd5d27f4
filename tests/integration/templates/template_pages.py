"""What tests of templates' pages share: waiting jobs, the backfill's dialog, the buttons offered."""

from jobs.models import Job
from tests.factories.admin import confirm, text_of
from tests.integration.templates.admin_kit import page_url

NOON = {"kind": "daily", "times": ["12:00"], "timezone": "Europe/Madrid"}


def waiting(template):
    return Job.objects.filter(template_id=template.pk, status="scheduled")


def backfill(browser, template, start, end, **fields):
    """Answer the backfill's dialog."""
    ends = {"start": f"{start:%Y-%m-%dT%H:%M:%S}", "end": f"{end:%Y-%m-%dT%H:%M:%S}"}
    address = page_url("template", template, "backfill")
    return confirm(browser, address, overlap="allow", **ends, **fields)


def offered(browser, template):
    page = text_of(browser.get(page_url("template", template)))
    verbs = ("run_now", "pause", "resume", "backfill", "remove")
    return {verb for verb in verbs if page_url("template", template, verb) in page}
