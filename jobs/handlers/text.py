"""Foreign text made fit to be stored: PostgreSQL refuses NUL and lone surrogates."""

REPLACEMENT = "\ufffd"


def storable(text: str, limit: int) -> str:
    """Return at most `limit` characters of `text`, NUL and lone surrogates replaced by U+FFFD."""
    cut = text[:limit].replace("\x00", REPLACEMENT)
    if cut.isascii():
        return cut
    return cut.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def shown(text: str, limit: int = 60) -> str:
    """Return user text for a sentence: cut to `limit` characters, control characters escaped."""
    cut = storable(text, limit)
    printable = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
    return printable + ("…" if len(text) > limit else "")
