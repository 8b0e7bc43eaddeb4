"""One event as syslog message (RFC 5424), framed for TLS (RFC 5425); what is in it, as IHE ITI-20 wants it."""

import os
from datetime import UTC
from typing import Final

from accounts.audit.actions import Outcome
from accounts.audit.formats import dicom_xml, source
from accounts.audit.models import AuditEvent

#: Facility 10, security and authorisation; severity 5, normal but significant, or 4, warning (PS3.15, section A.6).
_NOTICE: Final = 10 * 8 + 5
_WARNING: Final = 10 * 8 + 4
_MSGID: Final = "IHE+RFC-3881"
#: RFC 5424, section 6.4: what follows is UTF-8.
_BOM: Final = b"\xef\xbb\xbf"


def frame(event: AuditEvent) -> bytes:
    """Return the message with its length before it (octet counting, RFC 5425 section 4.3)."""
    line = message(event)
    return b"%d %s" % (len(line), line)


def message(event: AuditEvent) -> bytes:
    """Return the event as one syslog message."""
    priority = _NOTICE if event.outcome == Outcome.SUCCESS else _WARNING
    at = event.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    header = f"<{priority}>1 {at} {source.host()} {source.APPLICATION} {os.getpid()} {_MSGID} -"
    return header.encode("ascii", "replace") + b" " + _BOM + dicom_xml.message(event)
