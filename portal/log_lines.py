"""How the log tells of exceptions: where and what, without the words of the database, which quote rows (DESIGN 5.6)."""

import logging
import traceback
from collections.abc import Iterator
from types import TracebackType

import psycopg
from django import db

_Info = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class LogLines(logging.Formatter):
    """Lines as Python writes them, but for what an error of the database says beside its class and SQLSTATE."""

    def formatException(self, ei: _Info) -> str:  # noqa: N802 -- the name is Python's
        """The exceptions that led to this one, and this one, each with the lines it passed."""
        return "\n\nwhich led to:\n\n".join(_told(error) for error in reversed(list(_causes(ei[1]))))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, then the one behind it, and so on."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _told(error: BaseException) -> str:
    lines = traceback.format_tb(error.__traceback__)
    return "".join(["Traceback (most recent call last):\n", *lines, *_words(error)]).rstrip("\n")


def _words(error: BaseException) -> list[str]:
    if not isinstance(error, (db.Error, psycopg.Error)):
        return traceback.format_exception_only(error)
    code = getattr(error, "sqlstate", None)
    return [f"{type(error).__module__}.{type(error).__qualname__}{f' ({code})' if code else ''}"]
