"""Admin pages of merchants, people and memberships."""

from tenants.admin import audit, memberships, merchants, users

__all__ = ["audit", "memberships", "merchants", "users"]
