"""The tables of this app, one noun a file."""

from tenants.models.audit import AuditChain, AuditEntry
from tenants.models.membership import Membership
from tenants.models.merchant import Merchant
from tenants.models.user import User

__all__ = ["AuditChain", "AuditEntry", "Membership", "Merchant", "User"]
