"""What tests of HTTP jobs' targets share: the policies that they are held against."""

from jobs.handlers.http.policy import AddressPolicy
from tests.handlers_kit import LOOPBACK

CLOSED = AddressPolicy()
OPEN_LOOPBACK = AddressPolicy(LOOPBACK)
