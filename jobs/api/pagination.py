"""Pages of what is newest first, by cursor: no COUNT, no OFFSET, stable while rows are added."""

from typing import Any
from uuid import UUID

from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

MAX_PAGE = 200


class InvalidCursor(ValueError):
    """The cursor was not made by this API."""


class InvalidPageSize(ValueError):
    """The page size is not a whole number within its bounds."""


class NewestFirst(CursorPagination):
    """Orders by id: ids are UUIDv7, so their order is creation order, and each page is one index
    range scan."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = MAX_PAGE
    cursor_query_description = "Where to go on: taken from `next` or `previous` of an answer."
    page_size_query_description = f"How many results a page has: 1 to {MAX_PAGE}."

    def get_page_size(self, request: Request) -> int | None:
        """Return the size asked for, 50 unless given. Raises InvalidPageSize."""
        text = request.query_params.get(self.page_size_query_param or "")
        if text is None:
            return self.page_size
        if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MAX_PAGE):
            raise InvalidPageSize(f"page_size must be a whole number from 1 to {MAX_PAGE}.")
        return int(text)

    def decode_cursor(self, request: Request) -> Any:
        """Return the cursor of the request. Raises InvalidCursor."""
        try:
            cursor: Cursor | None = super().decode_cursor(request)
            if cursor is not None and cursor.position is not None:
                UUID(str(cursor.position))
        except (NotFound, ValueError, TypeError) as error:
            raise InvalidCursor(
                "The cursor is not valid; use the next or previous address of an answer as it is."
            ) from error
        return cursor

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the page's shape; every page has all three members."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {"results": schema, "next": link, "previous": link},
        }
