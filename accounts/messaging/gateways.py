"""Who takes text messages: a gateway over HTTPS, or in a demo a file or the log, where a tester reads them."""

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from django.conf import settings
from django.utils import timezone

from accounts.messaging import gateway_call
from accounts.messaging.models import SmsBackend, SmsGatewaySettings
from accounts.outbound import services as outbound
from accounts.outbound.errors import OutboundError
from accounts.signing_in import sealing

log = logging.getLogger(__name__)

#: Seconds that a gateway has for its answer, and octets of it that are read.
_PATIENCE: Final = 10.0
_MOST_OCTETS: Final = 1 << 16


class NotTaken(Exception):
    """The message was not taken; ``code`` is one of ``problems``. ``is_away``: it was not even tried."""

    def __init__(self, code: str, *, is_away: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.is_away = is_away


class SmsGateway(Protocol):
    """Takes one message to a number in E.164. Raises :class:`NotTaken`."""

    def send(self, to: str, text: str) -> None:
        """Hand it over."""


class ConsoleGateway:
    """Writes messages to the server's log. For a demo: what is in a log is read by many."""

    def send(self, to: str, text: str) -> None:
        """Log it."""
        log.info("Text message to %s: %s", to, " ".join(text.split()))


class FileGateway:
    """Writes messages to a file, a line each: the moment, the number and the text, with tabs between."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, to: str, text: str) -> None:
        """Add a line; lines of several processes do not mix."""
        line = f"{timezone.localtime().isoformat(timespec='seconds')}\t{to}\t{' '.join(text.split())}\n"
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            opened = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(opened, line.encode())
            finally:
                os.close(opened)
        except OSError as error:
            raise NotTaken("not_written") from error


class HttpGateway:
    """Hands messages to a gateway as its settings describe the call, by the portal's one way out."""

    #: Without them the message did not leave, and may go by itself once the gateway is there again.
    _AWAY: Final = frozenset({"no_such_host", "no_connection"})

    def __init__(self, row: SmsGatewaySettings) -> None:
        self._row = row

    def send(self, to: str, text: str) -> None:
        """Make the call, and read from the answer whether the message was taken."""
        row = self._row
        try:
            secret = sealing.opened(row.sealed_secret) if row.sealed_secret else ""
            values = {"to": to, "text": text, "sender": row.sender, "account": row.account, "secret": secret}
            call = gateway_call.call(row, values)
        except (ValueError, json.JSONDecodeError, sealing.Unreadable) as error:
            raise NotTaken("bad_settings") from error
        try:
            answer = outbound.send(
                call.method,
                call.address,
                body=call.body,
                headers=call.headers,
                patience=_PATIENCE,
                most_octets=_MOST_OCTETS,
            )
        except OutboundError as error:
            raise NotTaken(error.code, is_away=error.code in self._AWAY) from error
        if not gateway_call.is_taken(answer.status, answer.body, statuses=row.statuses, expects=row.expects):
            is_refusal = answer.status >= 400
            log.warning("The gateway for text messages answered with status %s.", answer.status)
            raise NotTaken("gateway_refused" if is_refusal else "gateway_unsure")


def demo_file() -> Path:
    """Where a demo's text messages are read."""
    return Path(settings.DATA_DIR) / "sms" / "messages.txt"


_MAKERS: Final[dict[str, Callable[[SmsGatewaySettings], SmsGateway]]] = {
    SmsBackend.HTTP: HttpGateway,
    SmsBackend.FILE: lambda _row: FileGateway(demo_file()),
    SmsBackend.CONSOLE: lambda _row: ConsoleGateway(),
}


def gateway_of(row: SmsGatewaySettings) -> SmsGateway | None:
    """Return who takes text messages by these settings; None for nobody."""
    make = _MAKERS.get(effective(row))
    return make(row) if make else None


def effective(row: SmsGatewaySettings) -> str:
    """The back end as it holds: a file and the log, which others read, are for a demo alone."""
    if row.backend in {SmsBackend.FILE, SmsBackend.CONSOLE} and not settings.DEMO:
        return SmsBackend.NONE
    return row.backend
