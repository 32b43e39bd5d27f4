"""Admin pages of merchants, people and memberships."""

from tenants.admin import memberships, merchants, users

__all__ = ["memberships", "merchants", "users"]
