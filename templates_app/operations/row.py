"""A template's row, whole, for who changes it: locked, and written with what planning needs back.

Written out, not asked of the ORM, which takes longer to compile these than PostgreSQL to answer.
"""

from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection

from templates_app.expander.due import DueTemplate, due_template
from templates_app.models import Template
from templates_app.statements import OF_TEMPLATE
from templates_app.surroundings_lock import SURROUNDINGS_LOCK
from tenants.statement import execute

# The surroundings first, as ever: a row lock is the last thing that a statement takes. Its row is
# read again when somebody changed it meanwhile, so it is of after both locks.
_LOCK = """
WITH surroundings AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(%(lock)s))
SELECT {columns}
  FROM surroundings CROSS JOIN templates_app_template AS template
 WHERE template.id = %(id)s
   FOR NO KEY UPDATE OF template
"""
_STORE = """
UPDATE templates_app_template AS template
   SET {values}
  FROM tenants_merchant AS merchant
 WHERE template.id = %(id)s AND merchant.id = template.merchant_id
RETURNING {of_template}
"""
# What never changes, and what the expander alone writes.
_KEPT = ("id", "merchant_id", "created_at", "moved", "expanded_with")


def lock_row(template_id: UUID) -> Template | None:
    """Lock a template in the caller's transaction and return it; None when there is none.

    Nobody changes its surroundings either until the transaction has ended. No key lock: rows that
    refer to the template may be written meanwhile.
    """
    statement = _LOCK.format(columns=_columns())
    found = execute(statement, id=template_id, lock=SURROUNDINGS_LOCK)
    return Template.from_db("default", _names(), _values(found[0])) if found else None


def store_row(template: Template) -> DueTemplate:
    """Write a locked template as it is now; return it as the expander reads it."""
    values = {
        field.column: field.get_db_prep_save(getattr(template, field.attname), connection)
        for field in _fields()
    }
    [row] = execute(_STORE.format(values=_assignments(), of_template=OF_TEMPLATE), **values)
    return due_template(row)


@cache
def _fields() -> tuple[Any, ...]:
    return tuple(Template._meta.concrete_fields)  # noqa: SLF001 - Django names it as public API


@cache
def _columns() -> str:
    return ", ".join(f"template.{field.column}" for field in _fields())


@cache
def _assignments() -> str:
    changing = (field for field in _fields() if field.column not in _KEPT)
    return ", ".join(f"{field.column} = %({field.column})s::{_type(field)}" for field in changing)


def _type(field: Any) -> str:
    # Without its length: a cast to varchar(200) would cut in silence what the column refuses.
    name, bracket, rest = str(field.db_type(connection)).partition("(")
    return name + rest.partition(")")[2] if bracket else name


@cache
def _names() -> tuple[str, ...]:
    return tuple(field.attname for field in _fields())


@cache
def _readers() -> tuple[Any, ...]:
    return tuple(getattr(field, "from_db_value", None) for field in _fields())


def _values(row: tuple[Any, ...]) -> list[Any]:
    return [
        value if read is None else read(value, None, connection)
        for value, read in zip(row, _readers(), strict=True)
    ]
