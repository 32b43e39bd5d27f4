"""What keeps an embedded server from starting."""


class CannotStart(Exception):
    """The server cannot run here; the message says why and what to do."""
