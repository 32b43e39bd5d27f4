"""Pieces of JSON schema, for what the OpenAPI document says about plain JSON."""

from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]
WEEKDAYS = ["mo", "tu", "we", "th", "fr", "sa", "su"]


def ref(name: str) -> Schema:
    """Return a reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def text(description: str, **more: Any) -> Schema:
    """Return the schema of a text."""
    return {"type": "string", "description": description, **more}


def list_of(items: Schema, description: str, **more: Any) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items, "description": description, **more}


def number(least: int, most: int, description: str) -> Schema:
    """Return the schema of a whole number within bounds, both allowed."""
    return {"type": "integer", "minimum": least, "maximum": most, "description": description}
