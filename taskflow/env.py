"""Typed readers of the process environment.

Every reader refuses a bad value with a sentence that names the variable. Problems are collected, so
that an operator sees all of them at once: call `raise_problems` after the last read.
"""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")
N = TypeVar("N", int, float)

# RFC 6750, section 2.1: what fits behind "Authorization: Bearer".
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")
SHORTEST_TOKEN = 32  # characters

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ConfigurationError(Exception):
    """The environment cannot be used; the message lists every problem, one a line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("TaskFlow cannot start:\n" + "\n".join(f"  - {line}" for line in problems))
        self.problems = problems


class Environment:
    """One read-only look at a mapping of variables (usually `os.environ`)."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.problems: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        """Return the variable without surrounding blanks; `default` when unset or empty."""
        return self._values.get(name, "").strip() or default

    def secret(self, name: str, default: str = "") -> str:
        """Like `text`; `NAME_FILE` may name a file that holds the value instead."""
        path = self.text(f"{name}_FILE")
        if not path:
            return self.text(name, default)
        try:
            return Path(path).read_text(encoding="utf-8").strip() or default
        except (OSError, UnicodeDecodeError) as error:
            return self._refuse(f"{name}_FILE: cannot read {path!r} ({error}).", default)

    def bearer_token(self, name: str) -> str:
        """Return a secret for the header `Authorization: Bearer`; empty when unset, never echoed."""
        value = self.secret(name)
        if value and (len(value) < SHORTEST_TOKEN or not _BEARER.fullmatch(value)):
            return self._refuse(
                f"{name} must have {SHORTEST_TOKEN} or more of the characters that a bearer token may "
                "have (RFC 6750). Generate one with `openssl rand -base64 48`.",
                "",
            )
        return value

    def choice(self, name: str, options: tuple[str, ...], default: str) -> str:
        """Return one of `options`, compared without regard to case."""
        value = self.text(name, default).lower()
        if value not in options:
            return self._refuse(
                f"{name} must be one of {', '.join(options)}; got {value!r}.", default
            )
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean written as true/false, yes/no, on/off or 1/0."""
        value = self.text(name).lower()
        if not value:
            return default
        if value in {"1", "true", "yes", "on"}:
            return True
        if value in {"0", "false", "no", "off"}:
            return False
        return self._refuse(f"{name} must be true or false; got {value!r}.", default)

    def integer(self, name: str, default: int, *, minimum: int, maximum: int) -> int:
        """Return a whole number within the bounds, both allowed."""
        value = self.text(name)
        if not value:
            return default
        if not re.fullmatch(r"-?[0-9]{1,18}", value):
            return self._refuse(f"{name} must be a whole number; got {value!r}.", default)
        return self._bounded(name, int(value), default, minimum, maximum)

    def seconds(self, name: str, default: float, *, minimum: float, maximum: float) -> float:
        """Return a duration in seconds within the bounds, both allowed; fractions are fine."""
        value = self.text(name)
        if not value:
            return default
        try:
            number = float(value)
        except ValueError:
            return self._refuse(f"{name} must be a number of seconds; got {value!r}.", default)
        return self._bounded(name, number, default, minimum, maximum)

    def names(self, name: str) -> list[str]:
        """Return a comma-separated list without blanks and empty items."""
        return [item.strip() for item in self.text(name).split(",") if item.strip()]

    def networks(self, name: str) -> tuple[Network, ...]:
        """Return a comma-separated list of networks in CIDR notation, such as 127.0.0.0/8."""
        found: list[Network] = []
        for item in self.names(name):
            try:
                found.append(ipaddress.ip_network(item))
            except ValueError as error:
                self.problems.append(
                    f"{name}: {item!r} is not a network in CIDR notation ({error})."
                )
        return tuple(found)

    def url(self, name: str, schemes: tuple[str, ...], default: str = "") -> str:
        """Return a URL with one of the schemes and a host; the value itself is never echoed."""
        value = self.secret(name, default)
        if not value:
            return value
        try:
            parts = urlsplit(value)
            usable = parts.scheme in schemes and bool(parts.hostname)
            _ = parts.port
        except ValueError:
            usable = False
        if not usable:
            expected = " or ".join(f"{scheme}://" for scheme in schemes)
            return self._refuse(
                f"{name} must be a URL that starts with {expected} and names a host.", default
            )
        return value

    def raise_problems(self) -> None:
        """Raise ConfigurationError when any reader refused its value."""
        if self.problems:
            raise ConfigurationError(self.problems)

    def _bounded(self, name: str, value: N, default: N, minimum: N, maximum: N) -> N:
        # Written so that NaN, which compares false with everything, is refused as well.
        if not minimum <= value <= maximum:
            return self._refuse(
                f"{name} must be between {minimum} and {maximum}; got {value}.", default
            )
        return value

    def _refuse(self, sentence: str, default: T) -> T:
        self.problems.append(sentence)
        return default
