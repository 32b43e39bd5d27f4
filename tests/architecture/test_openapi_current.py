"""docs/openapi.yaml is what the code says, and the code answers what it says."""

import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from django.urls import URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator

from tests.api.kit import client_of, http_job, noop
from tests.factories.jobs import make_job
from tests.factories.tenants import make_merchant

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = ROOT / "docs" / "openapi.yaml"


@pytest.fixture(scope="module")
def document():
    return yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))


def test_the_committed_document_is_current_and_made_without_warnings(tmp_path):
    fresh = tmp_path / "openapi.yaml"
    made = subprocess.run(
        [
            sys.executable,
            "manage.py",
            "spectacular",
            "--validate",
            "--fail-on-warn",
            "--file",
            str(fresh),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert COMMITTED.read_text(encoding="utf-8") == fresh.read_text(encoding="utf-8"), (
        "Run: python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml"
    )


def test_every_address_of_the_api_is_in_the_document(document):
    routed = {
        "/api/v1/" + str(pattern.pattern).removeprefix("^").removesuffix("$").removesuffix("\\Z")
        for resolver in get_resolver().url_patterns
        if isinstance(resolver, URLResolver) and str(resolver.pattern) == "api/v1/"
        for pattern in resolver.url_patterns
    }
    assert len(document["paths"]) == len(routed)


def test_it_is_openapi_3_1_with_one_problem_and_the_key(document):
    assert document["openapi"].startswith("3.1")
    assert document["components"]["securitySchemes"]["ApiKey"] == {
        "type": "apiKey",
        "in": "header",
        "name": "x-api-key",
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["security"] == [{"ApiKey": []}], (method, path)
            assert {"400", "401", "403", "429", "503"} <= set(operation["responses"])
            assert "500" not in operation["responses"]


@pytest.mark.django_db
def test_answers_have_the_documented_shape(document):
    merchant = make_merchant()
    client = client_of(merchant)
    created = client.send("/jobs", http_job(headers={"Authorization": "x"}, json=1)).json()
    failed = make_job(merchant=merchant, status="failed")
    running = make_job(merchant=merchant, status="running")
    [letter] = client.read("/dead-letters").json()["results"]
    batch = {"jobs": [noop(), noop(priority=11)]}
    answers = {
        "Job": created,
        "JobDetail": client.read(f"/jobs/{failed.pk}").json(),
        "PaginatedJobList": client.read("/jobs?page_size=1").json(),
        "JobExecutions": client.read(f"/jobs/{running.pk}/executions").json(),
        "PaginatedExecutionList": client.read("/executions").json(),
        "PaginatedDeadLetterList": client.read("/dead-letters").json(),
        "DeadLetter": letter,
        "ErrorGroups": client.read("/dead-letters/groups").json(),
        "BatchAnswer": client.send("/jobs/batch", {"jobs": [noop()]}).json(),
        "PartialBatchAnswer": client.send("/jobs/batch?partial=true", batch).json(),
        "Redriven": client.send("/dead-letters/redrive", {"ids": [letter["id"]]}).json(),
        "Problem": client.send("/jobs", noop(priority=11)).json(),
    }
    for name, answer in answers.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer)
    for name in ("Job", "JobDetail", "DeadLetter", "Problem", "BatchAnswer", "Redriven"):
        assert set(answers[name]) == set(document["components"]["schemas"][name]["properties"])


def test_the_generator_answers_the_same_document_to_a_request(document):
    assert set(SchemaGenerator().get_schema(public=True)["paths"]) == set(document["paths"])


@pytest.mark.django_db
def test_the_pages_of_the_documentation_need_nothing_from_elsewhere():
    client = client_of(make_merchant())
    page = client.read("/api/docs")
    script = client.read("/api/docs?script=")
    assert (page.status_code, script.status_code) == (200, 200)
    for answer in (page, script):
        assert b"http://" not in answer.content
        assert b"https://" not in answer.content
    assert b"/static/drf_spectacular_sidecar/" in page.content
    assert client.read("/api/schema").status_code == 200
