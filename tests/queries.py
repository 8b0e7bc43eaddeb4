"""What a page asks of the database for itself, whatever the clock does meanwhile."""

from typing import Final

from django.test.utils import CaptureQueriesContext

# Kept by each process between pages, and renewed by the clock: the sites that may frame a page, the sign-in's rules.
_RENEWED: Final = ("accounts_frameorigin", "accounts_signinpolicy")


def of_the_page(asked: CaptureQueriesContext) -> list[str]:
    """Return the statements without those that a page makes only when something kept has grown old."""
    return [query["sql"] for query in asked if not any(table in query["sql"] for table in _RENEWED)]
