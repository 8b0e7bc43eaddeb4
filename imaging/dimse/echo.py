"""Asking a peer whether it hears us: one C-ECHO as SCU (PS3.7 section 9.1.5, PS3.4 annex A), with an answer in words."""

import time
from dataclasses import dataclass
from typing import Any, Final

from imaging.dimse import calling
from imaging.dimse.calling import Heard, NotHeard
from imaging.dimse.contexts import VERIFICATION

__all__ = ["Echo", "Heard", "echo"]

#: Seconds for each step: connecting, the association, the answer. A person waits for all of them.
PATIENCE: Final = 5.0
_SUCCESS: Final = 0x0000


@dataclass(frozen=True, slots=True)
class Echo:
    """The answer, and how long it took in all in milliseconds."""

    heard: Heard
    milliseconds: int


def echo(
    host: str,
    port: int,
    *,
    called_ae_title: str,
    calling_ae_title: str,
    patience: float = PATIENCE,
    certificates: str | None = None,
) -> Echo:
    """Send one C-ECHO, over TLS with ``certificates`` (PEM). Never raises for what network or peer do: that is the answer."""
    started = time.monotonic()
    try:
        association = calling.called(
            host,
            port,
            called_ae_title=called_ae_title,
            calling_ae_title=calling_ae_title,
            contexts=[(VERIFICATION, None)],
            patience=patience,
            certificates=certificates,
        )
        heard = _asked(association)
    except NotHeard as error:
        heard = error.heard
    return Echo(heard, round((time.monotonic() - started) * 1000))


def _asked(association: Any) -> Heard:
    try:
        status = association.send_c_echo()
    except (RuntimeError, ValueError):  # it ended the association before it was asked
        return Heard.WRONG_ANSWER
    finally:
        if association.is_established:
            association.release()
    return Heard.ANSWERED if "Status" in status and status.Status == _SUCCESS else Heard.WRONG_ANSWER
