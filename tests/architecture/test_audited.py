"""Whoever calls an operation from a page or the API says who does it: nothing is anonymous by oversight."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = (
    "jobs/operations",
    "templates_app/operations",
    "alerts/operations",
    "alerts/webhooks/operations",
    "apikeys",
    "tenants",
)
EDGES = (
    "alerts/api",
    "alerts/admin",
    "alerts/webhooks/api",
    "alerts/webhooks/admin",
    "jobs/api",
    "jobs/admin",
    "templates_app/api",
    "templates_app/admin",
    "apikeys",
    "tenants",
)


def modules(folders):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.relative_to(ROOT), ast.parse(path.read_text())


def takes_by(function):
    return "by" in {argument.arg for argument in function.args.kwonlyargs}


def audited():
    """Return (module, function) of every operation that takes `by`."""
    return {
        (".".join(path.with_suffix("").parts), node.name)
        for path, tree in modules(OPERATIONS)
        if "operations" in path.as_posix()
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and takes_by(node) and not node.name.startswith("_")
    }


def anonymous(tree, operations):
    """Yield the lines of a module on which an operation is used without saying by whom."""
    names, aliases = set(), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for name in node.names:
                if (node.module, name.name) in operations:
                    names.add(name.asname or name.name)
                module = f"{node.module}.{name.name}"
                if module in {one for one, _ in operations}:
                    aliases[name.asname or name.name] = module

    def is_operation(node):
        if isinstance(node, ast.Name):
            return node.id in names
        return (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and (aliases.get(node.value.id), node.attr) in operations
        )

    said = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and "by" in {each.arg for each in node.keywords}:
            said |= {id(one) for one in [node.func, *node.args[:1]]}
    for node in ast.walk(tree):
        if is_operation(node) and id(node) not in said:
            assert isinstance(node, ast.expr)
            yield node.lineno


def test_every_use_of_an_operation_at_the_edge_says_by_whom():
    operations = audited()
    assert ("jobs.operations.steer", "cancel") in operations
    found = [
        f"{path}:{line}"
        for path, tree in modules(EDGES)
        if {"admin", "admin.py", "api"} & set(path.parts)
        for line in anonymous(tree, operations)
    ]
    assert found == []


def test_the_rule_above_can_fail():
    operations = {("jobs.operations.steer", "cancel")}
    source = (
        "from jobs.operations import steer\n"
        "steer.cancel(job, now=now)\n"
        "verb = steer.cancel\n"
        "steer.cancel(job, now=now, by=me)\n"
        "partial(steer.cancel, by=me)\n"
    )
    assert sorted(anonymous(ast.parse(source), operations)) == [2, 3]
