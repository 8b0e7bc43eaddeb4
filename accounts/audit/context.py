"""What every event of one request has in common, set at the edges (middleware, DIMSE handlers, tasks)."""

import contextlib
import uuid
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Context:
    """How the present work came in: one request, association or task."""

    request_id: str = ""
    door: str = ""
    address: str = ""


_current: ContextVar[Context] = ContextVar("audit_context", default=Context())  # noqa: B039


def current() -> Context:
    """Return the context of the present work; empty fields outside of any."""
    return _current.get()


def new_request_id() -> str:
    """Return an identifier that ties the events of one request together."""
    return uuid.uuid4().hex


@contextlib.contextmanager
def entered(*, request_id: str = "", door: str = "", address: str = "") -> Iterator[Context]:
    """Give every event recorded in this block the same request, door and address."""
    context = Context(request_id=request_id or new_request_id(), door=door, address=address)
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
