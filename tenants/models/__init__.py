"""The tables of this app, one noun a file."""

from tenants.models.membership import Membership
from tenants.models.merchant import Merchant
from tenants.models.user import User

__all__ = ["Membership", "Merchant", "User"]
