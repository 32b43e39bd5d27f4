"""What operations answer instead of doing what was asked, in words."""

from jobs.operations.fields import InvalidFields


def refusal_in_words(refusal: Exception) -> str:
    """Return a refusal as sentences for people."""
    if isinstance(refusal, InvalidFields):
        return " ".join(problem.detail for problem in refusal.problems)
    return str(refusal)
