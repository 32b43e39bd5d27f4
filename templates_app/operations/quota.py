"""How many templates a merchant may have."""

from templates_app.models import Template
from tenants.models import Merchant


class TooManyTemplates(Exception):
    """The merchant has as many templates as it may have."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"Your quota is {limit:,} templates. Delete some, or ask for a higher quota."
        )


def admit(merchant: Merchant, *, adding: int) -> None:
    """Let so many more templates in. Raises TooManyTemplates.

    Twins that are admitted at the same instant may pass the limit together: it protects the
    platform, it is not exact to the template.
    """
    limit = merchant.max_templates
    ids = Template.objects.of(merchant).order_by().values("pk")
    # One look at the index entry beyond the limit, instead of a count.
    if ids.order_by("-id")[limit - adding : limit - adding + 1].exists():
        raise TooManyTemplates(limit)
