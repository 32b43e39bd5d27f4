"""What RQ runs by name."""


def noop() -> None:
    """Do nothing."""
