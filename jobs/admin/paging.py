"""Leafing through history without counting it."""

from unfold import paginator

DEEPEST_PAGE = 200


class InfinitePaginator(paginator.InfinitePaginator):
    """Pages without a count; whoever wants to look further back narrows the list instead.

    Named like its base: unfold's templates know by the name that the count means nothing.
    """

    @property
    def count(self) -> int:
        """The number of rows that can be leafed through, not of those that exist."""
        return int(self.per_page) * DEEPEST_PAGE
