"""Weeks go to S3-compatible storage: a server on loopback that keeps what is put."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from backports import zstd

from jobs.archiver import archive, exporting, stepping
from jobs.retention import Retention
from tests.factories.jobs import NOW
from tests.integration.archive_kit import ended, tables_like

pytestmark = pytest.mark.django_db
WEEK = "jobs_archivedjob_20260330_retired_20260601120000"
RETENTION = Retention(archive_after=86_400, days=30, export="s3://history/taskflow")


class Storage(ThreadingHTTPServer):
    """Answers PUT, GET and HEAD of signed requests; `refuses` makes it answer 403."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.objects = {}
        self.refuses = False


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Storage

    def log_message(self, *_):
        pass

    def do_PUT(self):
        data = self.rfile.read(int(self.headers["content-length"]))
        if self._refused():
            return
        self.server.objects[self.path] = data
        self._answer(200, b"", {"ETag": f'"{hashlib.md5(data).hexdigest()}"'})

    def do_GET(self):
        if self._refused():
            return
        data = self.server.objects.get(self.path)
        if data is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>", {})
            return
        self._answer(200, data, {"ETag": '"x"', "Last-Modified": "Mon, 01 Jun 2026 12:00:00 GMT"})

    do_HEAD = do_GET  # noqa: N815

    def _refused(self):
        signed = self.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 ")
        if signed and not self.server.refuses:
            return False
        self._answer(403, b"<Error><Code>AccessDenied</Code></Error>", {})
        return True

    def _answer(self, status, data, headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


@pytest.fixture
def storage(monkeypatch):
    server = Storage()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(exporting, "PART_ROWS", 2)
    monkeypatch.setattr(stepping, "database_now", lambda: NOW)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def rows_in(storage):
    folder = f"/history/taskflow/{WEEK}"
    manifest = json.loads(storage.objects[f"{folder}/manifest.json"])
    assert manifest["complete"]
    lines = []
    for part in manifest["parts"]:
        data = storage.objects[f"{folder}/{part['file']}"]
        assert hashlib.sha256(data).hexdigest() == part["sha256"]
        lines += zstd.decompress(data).splitlines()
    return {json.loads(line)["id"] for line in lines}


def test_a_week_is_put_into_the_bucket_and_dropped(storage):
    wanted = {str(ended(60).pk) for _ in range(3)}
    steps = list(stepping.steps(RETENTION))
    assert rows_in(storage) == wanted
    assert [name for step in steps for name in step.dropped] == [WEEK]


def test_a_week_that_the_storage_refuses_stays_and_goes_on_later(storage):
    wanted = {str(ended(60).pk) for _ in range(3)}
    archive(NOW, RETENTION)
    storage.refuses = True
    failed = archive(NOW, RETENTION)
    assert failed.failure.startswith(f"{WEEK} could not be exported to s3://history/taskflow: ")
    assert tables_like("%\\_retired\\_%") == {WEEK}
    storage.refuses = False
    list(stepping.steps(RETENTION))
    assert rows_in(storage) == wanted
    assert tables_like("%\\_retired\\_%") == set()
