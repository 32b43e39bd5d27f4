"""What merchants and their targets wrote is text on every admin page, never markup."""

import json
from html.parser import HTMLParser

import pytest
from django.urls import reverse

from jobs.models import IdempotencyRecord
from tests.factories.admin import (
    browser_of,
    confirm,
    list_url,
    make_dead_letter,
    make_execution,
    page_url,
    text_of,
)
from tests.factories.jobs import NOW, make_job, make_merchant, make_worker
from tests.factories.tenants import make_superuser

pytestmark = pytest.mark.django_db

EVIL = "\"'><script>evil()</script><img src=x onerror=evil()>{{ 7|add:9871235 }}"


class Markup(HTMLParser):
    """Collects what a browser would run, and the text that it would show."""

    def __init__(self) -> None:
        super().__init__()
        self.handlers: list[str] = []
        self.scripts: list[str] = []
        self.text: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag, attributes):
        self._in_script = tag == "script"
        self.handlers += [value or "" for name, value in attributes if name.startswith("on")]

    def handle_endtag(self, tag):
        self._in_script = False

    def handle_data(self, data):
        (self.scripts if self._in_script else self.text).append(data)


def check(page: str, *, shown: bool = True) -> None:
    """Fail when the evil text is markup; also when it is not on the page at all."""
    markup = Markup()
    markup.feed(page)
    assert not [code for code in (*markup.handlers, *markup.scripts) if "evil" in code]
    if shown:
        assert "evil()" in "".join(markup.text)
    assert "9871242" not in page


@pytest.fixture
def merchant():
    return make_merchant("shop", name=EVIL[:80])


@pytest.fixture
def browser():
    return browser_of(make_superuser(name=EVIL[:80]))


@pytest.fixture
def job(merchant):
    worker = make_worker(name=EVIL)
    job = make_job(
        merchant=merchant,
        status="running",
        kind="http",
        handler=EVIL,
        name=EVIL,
        tags=[EVIL[:64]],
        metadata={EVIL: EVIL},
        payload={"url": EVIL, "headers": {EVIL: EVIL}, EVIL: [EVIL]},
        progress=1,
        progress_note=EVIL,
        worker_id=worker.pk,
    )
    make_execution(
        job,
        error_code=EVIL,
        error_message=EVIL,
        error_detail=EVIL,
        output={EVIL: EVIL},
        log=[EVIL, {"not": EVIL}],
        worker_id=worker.pk,
    )
    return job


def test_job_is_text_on_its_list_and_page(browser, job):
    check(text_of(browser.get(list_url("job"))))
    check(text_of(browser.get(page_url("job", job))))


def test_execution_is_text_on_its_list_and_page(browser, job):
    check(text_of(browser.get(list_url("execution"))))
    check(text_of(browser.get(page_url("execution", job.executions.get()))))


def test_dead_letter_is_text_on_its_list_page_and_dialog(browser, merchant):
    letter = make_dead_letter(
        merchant=merchant,
        payload={"url": EVIL, EVIL: EVIL},
        letter={"error_code": EVIL[:100], "error_message": EVIL, "handler": EVIL},
    )
    check(text_of(browser.get(list_url("deadletter"))))
    check(text_of(browser.get(page_url("deadletter", letter))))
    check(text_of(browser.get(page_url("deadletter", letter, "redrive"))))
    check(text_of(confirm(browser, page_url("deadletter", letter, "redrive"), payload=EVIL)))
    confirm(browser, page_url("deadletter", letter, "discard"), reason=EVIL)
    check(text_of(browser.get(page_url("deadletter", letter))))


def test_what_was_done_is_text_in_the_log(browser, job):
    confirm(browser, page_url("job", job, "cancel"))
    check(text_of(browser.get(reverse("admin:admin_logentry_changelist"))))


def test_worker_and_idempotency_record_are_text(browser, job, merchant):
    IdempotencyRecord.objects.create(
        merchant=merchant,
        key=EVIL,
        request_hash="x",
        response_text=json.dumps({EVIL: EVIL}),
        created_at=NOW,
    )
    check(text_of(browser.get(list_url("worker"))))
    check(text_of(browser.get(list_url("idempotencyrecord"))))
    record = IdempotencyRecord.objects.get()
    check(text_of(browser.get(page_url("idempotencyrecord", record))))


def test_search_term_is_text(browser, job):
    check(text_of(browser.get(list_url("job", q=EVIL))), shown=False)
