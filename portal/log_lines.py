"""How the log tells of what happened: one line each, whatever is in it, and without the words of the database, which quote rows.

What a device or a person sent (a title, a name of a file, an address) begins no line and moves no cursor; an exception is
told over several lines, each of which begins as Python writes it.
"""

import logging
import traceback
from collections.abc import Iterator
from types import TracebackType

import psycopg
from django import db

from accounts.invisible import shown

_Info = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class LogLines(logging.Formatter):
    """Lines as Python writes them, but for what an error of the database says beside its class and SQLSTATE."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 -- the name is Python's
        """The message as one line."""
        return shown(super().formatMessage(record))

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


def _said(error: BaseException) -> list[str]:
    """What an exception says, and what was noted of it; Python itself would break both where they break."""
    told = traceback.TracebackException(type(error), error, None)
    told.__notes__ = None
    return [*(line.rstrip("\n") for line in told.format_exception_only()), *getattr(error, "__notes__", ())]


def _words(error: BaseException) -> list[str]:
    if not isinstance(error, (db.Error, psycopg.Error)):
        return [f"{shown(text)}\n" for text in _said(error)]
    code = getattr(error, "sqlstate", None)
    return [f"{type(error).__module__}.{type(error).__qualname__}{f' ({code})' if code else ''}"]
