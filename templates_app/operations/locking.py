"""A template's row, locked and whole, for who changes it."""

from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection

from templates_app.models import Template
from tenants.statement import execute


def lock_row(template_id: UUID) -> Template | None:
    """Lock a template in the caller's transaction and return it; None when there is none.

    No key lock: rows that refer to the template may be written meanwhile.
    """
    found = execute(_statement(), id=template_id)
    return Template.from_db("default", _names(), _values(found[0])) if found else None


# Written out, not asked of the ORM, which takes longer to compile it than PostgreSQL to answer.
_LOCK = "SELECT {} FROM templates_app_template WHERE id = %(id)s FOR NO KEY UPDATE"


@cache
def _fields() -> tuple[Any, ...]:
    return tuple(Template._meta.concrete_fields)  # noqa: SLF001 - Django names it as public API


@cache
def _statement() -> str:
    return _LOCK.format(", ".join(field.column for field in _fields()))


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
