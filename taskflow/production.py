"""What a production process refuses to start with."""

import ipaddress
from typing import Final

from taskflow.env import Network

SHORTEST_SECRET: Final = 32  # characters
# Clouds hand a machine's credentials to whoever asks there.
_METADATA: Final = (
    ipaddress.ip_address("169.254.169.254"),
    ipaddress.ip_address("fd00:ec2::254"),
)


def unsafe_settings(
    *,
    debug: bool,
    secret_key: str,
    insecure_secret_key: str,
    database_url: str,
    redis_url: str,
    allowed_hosts: list[str],
    api_key_pepper: str,
    http_allow_networks: tuple[Network, ...],
) -> list[str]:
    """Return a sentence for each setting that is unsafe in production; empty when all is well."""
    problems: list[str] = []
    if debug:
        problems.append("TASKFLOW_DEBUG is on: it shows settings and code to visitors. Unset it.")
    if secret_key == insecure_secret_key:
        problems.append(
            "TASKFLOW_SECRET_KEY is unset. Generate one with `openssl rand -base64 48`."
        )
    elif len(secret_key) < SHORTEST_SECRET:
        problems.append("TASKFLOW_SECRET_KEY is shorter than 32 characters. Generate a longer one.")
    if api_key_pepper == secret_key:
        problems.append(
            "TASKFLOW_API_KEY_PEPPER is unset or equals TASKFLOW_SECRET_KEY. Give it a value of its "
            "own, so that the secret key can change without ending every API key."
        )
    elif len(api_key_pepper) < SHORTEST_SECRET:
        problems.append(
            "TASKFLOW_API_KEY_PEPPER is shorter than 32 characters. Generate one with "
            "`openssl rand -base64 48`."
        )
    problems.extend(
        f"TASKFLOW_HTTP_ALLOW_NETWORKS opens {network}, which is the whole internet or holds a "
        "cloud's metadata service. Name the networks that jobs must reach, no larger than needed."
        for network in http_allow_networks
        if network.prefixlen == 0 or any(address in network for address in _METADATA)
    )
    if not database_url:
        problems.append(
            "TASKFLOW_DATABASE_URL is unset: the embedded PostgreSQL is for one machine only."
        )
    if not redis_url:
        problems.append("TASKFLOW_REDIS_URL is unset: the embedded Valkey is for one machine only.")
    if not allowed_hosts:
        problems.append("TASKFLOW_ALLOWED_HOSTS is unset. Name the hosts that the API answers to.")
    # Django reads a leading dot as "and every name below".
    if any(host.startswith(("*", ".")) for host in allowed_hosts):
        problems.append("TASKFLOW_ALLOWED_HOSTS has a wildcard. Name the hosts instead.")
    return problems
