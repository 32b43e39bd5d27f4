"""What a production process refuses to start with."""


def unsafe_settings(
    *,
    debug: bool,
    secret_key: str,
    insecure_secret_key: str,
    database_url: str,
    redis_url: str,
    allowed_hosts: list[str],
    pepper_set: bool,
) -> list[str]:
    """Return a sentence for each setting that is unsafe in production; empty when all is well."""
    problems: list[str] = []
    if debug:
        problems.append("TASKFLOW_DEBUG is on: it shows settings and code to visitors. Unset it.")
    if secret_key == insecure_secret_key:
        problems.append(
            "TASKFLOW_SECRET_KEY is unset. Generate one with `openssl rand -base64 48`."
        )
    elif len(secret_key) < 32:
        problems.append("TASKFLOW_SECRET_KEY is shorter than 32 characters. Generate a longer one.")
    if not pepper_set:
        problems.append(
            "TASKFLOW_API_KEY_PEPPER is unset or equals TASKFLOW_SECRET_KEY. Give it a value of its "
            "own, so that the secret key can change without ending every API key."
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
