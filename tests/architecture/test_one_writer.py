"""House rules that a machine can check."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("taskflow", "alerts", "templates_app", "jobs", "apikeys", "tenants")
WRITERS = {f"jobs/lifecycle/{module}.py" for module in ("creating", "steering")}
ORM_WRITES = {"update", "create", "bulk_update", "get_or_create", "update_or_create"}


def sources():
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            if "migrations" not in path.parts:
                yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


def writes_a_status(node):
    if isinstance(node, ast.Assign):
        return any(isinstance(t, ast.Attribute) and t.attr == "status" for t in node.targets)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        names = {keyword.arg for keyword in node.keywords}
        return node.func.attr in ORM_WRITES and "status" in names
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return "UPDATE jobs_job" in node.value and "status =" in node.value
    return False


def test_only_lifecycle_and_its_statements_write_a_jobs_status():
    found = {
        name
        for name, tree in sources()
        if any(writes_a_status(node) for node in ast.walk(tree))
        and not name.startswith("jobs/statements/")
    }
    assert found <= WRITERS, f"these write a job's status: {sorted(found - WRITERS)}"


def test_the_rule_above_can_fail():
    bad = "job.status = 'x'\nJob.objects.update(status='x')\nSQL = 'UPDATE jobs_job SET status = 1'"
    assert sum(writes_a_status(node) for node in ast.walk(ast.parse(bad))) == 3


def test_statements_are_executed_only_by_their_owners():
    users = {"jobs/depth.py", "jobs/liveness.py", "jobs/populator.py"}
    found = {
        name
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("jobs.statements")
        and not name.startswith(("jobs/lifecycle/", "jobs/statements/"))
    }
    assert found <= users


def test_no_module_outgrows_its_room():
    long = {
        name: len((ROOT / name).read_text().splitlines())
        for name, _ in sources()
        if len((ROOT / name).read_text().splitlines()) > 300
    }
    assert long == {}
