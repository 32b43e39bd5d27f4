"""What a hostile or broken body, header or address gets: a clear problem, never a 500."""

import json
import logging
import threading

import psycopg
import pytest
from django.db import OperationalError, connections
from django.test import RequestFactory

from jobs.models import DeadLetter, Job
from jobs.strict_json import MalformedJson, read_json
from taskflow.api_document import document
from taskflow.wsgi import application
from tenants.models import Merchant
from tests.api.kit import ApiClient, client_of, noop, pointers, problem
from tests.factories.jobs import make_job
from tests.factories.tenants import LONG_AGO, make_key, make_merchant


@pytest.fixture
def api(db):
    return client_of(make_merchant())


def body_with(value: str) -> bytes:
    """Return a job whose argument is the JSON text `value`."""
    return (
        b'{"kind": "python", "payload": {"handler": "demo.echo", "arguments": {"value": '
        + value.encode("utf-8", "surrogatepass")
        + b"}}}"
    )


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"   ", "empty_body"),
        (b"{", "malformed_json"),
        (b"{'a': 1}", "malformed_json"),
        (b'{"a": 1,}', "malformed_json"),
        (b'{"a": 1} {"b": 2}', "malformed_json"),
        (b"\xff\xfe{}", "malformed_json"),
        (b'{"kind": "\xed\xa0\x80"}', "malformed_json"),
        (b"\xef\xbb\xbf{}", "malformed_json"),
        (body_with("NaN"), "number_out_of_range"),
        (body_with("-Infinity"), "number_out_of_range"),
        (body_with("1e400"), "number_out_of_range"),
        (body_with("-1e999999999"), "number_out_of_range"),
        (body_with("9" * 4301), "number_out_of_range"),
        (body_with('{"a": 1, "a": 2}'), "duplicate_name"),
        (body_with('{"\\ud800": 1, "\\ud800": 2}'), "duplicate_name"),
        (body_with('"a\\u0000b"'), "unstorable_text"),
        (body_with('{"a\\u0000b": 1}'), "unstorable_text"),
        (body_with('"\\ud800"'), "unstorable_text"),
        (body_with('"\\uDFFF x"'), "unstorable_text"),
        (body_with('"\x00"'), "malformed_json"),
        (body_with("[" * 40 + "]" * 40), "too_deep"),
        (b"[" * 100_000 + b"]" * 100_000, "too_deep"),
        (b'{"a":' * 40_000, "too_deep"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
@pytest.mark.parametrize("path", ["/jobs", "/jobs/batch"])
def test_json_that_readers_differ_about_is_refused(api, path, raw, code):
    problem(api.send(path, raw), 400, code)
    assert not Job.objects.exists()


def test_the_place_of_an_unstorable_text_is_named(api):
    body = problem(api.send("/jobs", body_with('["ok", "\\u0000"]')), 400, "unstorable_text")
    assert pointers(body) == {("/payload/arguments/value/1", "unstorable_text")}


@pytest.mark.parametrize(
    "value",
    [
        '"\\\\u0000"',
        '"\\ud83d\\ude00"',
        '"\u2028 \U0010ffff"',
        "-1.5e10",
        "9" * 4300,
        '"' + "[{" * 5000 + '"',
        "[" * 29 + "]" * 29,
        "[" + "[],{}," * 2000 + "1]",
    ],
    ids=range(8),
)
def test_unusual_but_sound_json_is_stored_as_it_is(api, value):
    answer = api.send("/jobs", body_with(value))
    assert answer.status_code == 201, answer.content
    assert Job.objects.get().payload["arguments"]["value"] == json.loads(value)


@pytest.mark.parametrize(("depth", "sound"), [(32, True), (33, False)])
def test_depth_is_counted_to_the_level(depth, sound):
    # Enough brackets beside the deep place that a count of all of them says nothing.
    raw = (
        b'{"x":[' + b"[]," * 50 + b"1]," + b'"y":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
    )
    if sound:
        assert read_json(raw) == json.loads(raw)
    else:
        with pytest.raises(MalformedJson, match="32 levels"):
            read_json(raw)


def test_a_body_above_the_limit_is_too_large(api):
    raw = json.dumps(noop(metadata={"x": "y" * 262_144})).encode()
    problem(api.send("/jobs", raw), 413, "body_too_large")
    problem(api.change("/jobs/0", raw), 404, "not_found")
    problem(api.send("/jobs/batch", b" " * (8 * 1024 * 1024 + 1)), 413, "body_too_large")


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
    ],
)
def test_other_media_types_are_refused(api, content_type):
    answer = api.send("/jobs", noop(), content_type=content_type)
    problem(answer, 415, "unsupported_media_type")


def test_a_compressed_body_is_refused(api):
    answer = api.send("/jobs", noop(), **{"Content-Encoding": "gzip"})
    assert "Content-Encoding" in problem(answer, 415, "unsupported_media_type")["detail"]


def test_a_job_without_a_body_is_told_what_is_required(api):
    body = problem(api.send("/jobs"), 400, "invalid_fields")
    assert pointers(body) >= {("/kind", "required")}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/jobs/0"),
        ("PUT", "/jobs/0"),
        ("PATCH", "/jobs"),
        ("GET", "/jobs/batch"),
        ("OPTIONS", "/jobs"),
        ("TRACE", "/jobs"),
    ],
)
def test_a_method_that_an_address_does_not_have_is_refused(api, method, path):
    problem(api.call(method, path), 405, "method_not_allowed")


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v2/jobs",
        "/api/v1/jobs/",
        "/api/v1/jobs/0/nothing",
        "/api/v1/%00",
    ],
)
def test_an_unknown_address_is_a_problem(api, path):
    problem(api.call("GET", path), 404, "unknown_address")


@pytest.mark.parametrize(
    "key", ["0", "not-a-uuid", "%00", "..%2f", "0" * 5000, "{}", "%F0%9F%98%80"]
)
@pytest.mark.parametrize(
    "path", ["/jobs/{}", "/executions/{}", "/dead-letters/{}", "/jobs/{}/executions"]
)
def test_a_garbage_id_is_a_missing_one(api, path, key):
    answer = api.read(path.format(key))
    assert answer.status_code == 404, answer.content
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/jobs", "/api", "/health"])
def test_an_unknown_host_is_a_problem(api, path):
    problem(api.read(path, host="evil.example"), 400, "bad_request")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/api/nothing", "/api/v1/jobs/", "/health/nothing"])
def test_writing_to_an_unknown_address_is_a_problem(api, method, path):
    problem(api.call(method, path), 404, "unknown_address")


def test_writing_to_health_asks_for_no_form(api):
    assert api.send("/health/live").status_code == 405


def test_a_problem_of_the_document_is_json(api):
    problem(api.send("/api/schema"), 405, "method_not_allowed")


def test_the_document_is_made_once_whatever_the_query_says(api):
    document.cache_clear()
    answers = {api.read(f"/api/schema?x={number}").content for number in range(3)}
    assert len(answers) == 1
    assert document.cache_info().misses == 1


def test_a_chunked_body_is_refused_rather_than_read_as_empty(api):
    letter_job = make_job(merchant=Merchant.objects.get(), status="failed")
    letter = DeadLetter.objects.get(job=letter_job)
    answer = api.send(f"/dead-letters/{letter.pk}/redrive", **{"Transfer-Encoding": "chunked"})
    assert "Content-Length" in problem(answer, 411, "length_required")["detail"]
    letter.refresh_from_db()
    assert letter.resolution == ""


def test_too_many_query_parameters_are_a_bad_request(api):
    query = "&".join(f"a{number}=1" for number in range(1001))
    problem(api.read(f"/jobs?{query}"), 400, "bad_request")


@pytest.mark.parametrize("charset", ["hex", "rot13", "zlib", "undefined"])
def test_a_charset_that_is_no_charset_breaks_nothing(db, charset):
    sent = {"QUERY_STRING": "a=1", "CONTENT_TYPE": f"application/json; charset={charset}"}
    started = []
    environ = RequestFactory().generic("GET", "/api/v1/jobs").environ | sent

    def start_response(status, headers, exc_info=None):
        started.append((status, dict(headers)))
        return lambda body: None

    application(environ, start_response)
    [(status, headers)] = started
    assert (status[:3], headers["Content-Type"]) == ("401", "application/problem+json")


def test_an_error_of_ours_is_logged_with_the_id_that_its_answer_names(api, monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("wires crossed")

    monkeypatch.setattr("jobs.operations.steer.cancel", broken)
    job = make_job(merchant=Merchant.objects.get())
    body = problem(api.send(f"/jobs/{job.pk}/cancel"), 500, "internal_error")
    [record] = [record for record in caplog.records if body["instance"] in record.getMessage()]
    assert (record.levelname, record.exc_info[0]) == ("ERROR", RuntimeError)
    assert "wires" not in str(body)


def test_a_database_that_is_away_is_logged_in_one_line(api, monkeypatch, caplog):
    def away(*_, **__):
        raise OperationalError("connection refused")

    monkeypatch.setattr("jobs.operations.steer.cancel", away)
    job = make_job(merchant=Merchant.objects.get())
    body = problem(api.send(f"/jobs/{job.pk}/cancel"), 503, "temporarily_unavailable")
    [record] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert body["instance"] in record.getMessage()
    assert (record.levelname, record.exc_info) == ("WARNING", None)


def test_an_answer_in_another_format_is_refused_as_a_problem(api):
    problem(api.read("/jobs", accept="text/html"), 406, "not_acceptable")


def test_without_a_usable_key_nothing_is_read(db):
    merchant = make_merchant()
    make_job(merchant=merchant)
    answer = ApiClient().read("/jobs")
    problem(answer, 401, "not_authenticated")
    assert answer["WWW-Authenticate"] == "ApiKey"
    problem(ApiClient("tf_live_nonsense").read("/jobs"), 401, "invalid_api_key")
    old = make_key(merchant, expires_at=LONG_AGO.replace(year=2025))
    problem(ApiClient(old.text).read("/jobs"), 401, "api_key_expired")
    body = problem(
        client_of(merchant, scopes=["jobs:read"]).send("/jobs", noop()), 403, "missing_scope"
    )
    assert "jobs:write" in body["detail"]


def test_too_many_requests_are_told_when_to_come_back(db):
    client = client_of(make_merchant(requests_per_minute=2))
    answers = [client.read("/jobs") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    problem(answers[2], 429, "throttled")
    assert int(answers[2]["Retry-After"]) >= 1


@pytest.mark.django_db(transaction=True)
def test_a_database_that_ends_the_connection_gets_a_503_and_nothing_is_half_written(database_url):
    """A real fault in the middle of the work: the backend is terminated while it waits."""
    client = client_of(make_merchant())
    bystander = make_job()
    answers = []

    def create():
        answers.append(client.send("/jobs", noop(), **{"Idempotency-Key": "k"}))
        connections.close_all()

    with psycopg.connect(database_url, autocommit=True) as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE jobs_job IN EXCLUSIVE MODE")
        thread = threading.Thread(target=create)
        thread.start()
        waiting = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'jobs_job'::regclass"
        for _ in range(10_000):
            if found := cursor.execute(waiting).fetchone():
                break
            thread.join(0.01)
        assert found
        cursor.execute("SELECT pg_terminate_backend(%s)", found)
        thread.join(30)
        cursor.execute("ROLLBACK")
    problem(answers[0], 503, "temporarily_unavailable")
    assert int(answers[0]["Retry-After"]) >= 1
    assert Job.objects.get() == bystander
    assert client.send("/jobs", noop(), **{"Idempotency-Key": "k"}).status_code == 201
