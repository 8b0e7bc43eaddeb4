"""Owing a message: written in the transaction of what it tells, sent by ``sending`` a moment later."""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.messaging import recipients, selectors
from accounts.messaging.kinds import Channel, MessageKind
from accounts.messaging.models import OutgoingMessage, SmsGatewaySettings
from accounts.messaging.wording import Words
from accounts.models import Department
from accounts.signing_in import sealing

#: How long it is remembered that something was sent, and to whom.
KEPT_DAYS: Final = 90


def owe(
    kind: MessageKind,
    *,
    to: str,
    language: str,
    values: Mapping[str, str],
    department: Department | None = None,
    about: tuple[str, str] = ("", ""),
    good_until: datetime | None = None,
) -> OutgoingMessage:
    """Write a message to somebody outside. Inside a transaction: it leaves once that is committed.

    ``values`` are those of the kind's own places; ``good_until`` is when it is of no use any more (a code's end).
    Raises ``ValidationError``, in words, for an address or number that is none, and where text messages are not set up
    or too many were sent today; ``ValueError`` for values that are not the kind's.
    """
    recipient = _recipient(kind.channel, to)
    words = selectors.words(kind, language=language, department=department, values=values)
    return OutgoingMessage.objects.create(
        channel=kind.channel,
        kind=kind.name,
        subject_type=about[0],
        subject_uid=about[1],
        department=department,
        language=language,
        recipient=recipient,
        message_id=_message_id(),
        sealed_words=sealing.seal(json.dumps(_as_sent(kind, words, language, department))),
        good_until=good_until,
        due_at=timezone.now(),
    )


def _recipient(channel: Channel, typed: str) -> str:
    if channel == Channel.MAIL:
        return recipients.email_address(typed)
    row = selectors.gateway_settings()
    number = recipients.mobile_number(typed, country=row.country)
    if not selectors.can_text():
        raise ValidationError(_("Text messages are not set up here: choose another way."), code="no_gateway")
    since = timezone.now() - timedelta(days=1)
    if OutgoingMessage.objects.filter(channel=Channel.SMS, created_at__gt=since).count() >= row.most_per_day:
        said = _("No more text messages can be sent today: the limit of the hospital is reached. Choose another way.")
        raise ValidationError(said, code="too_many")
    return number


def _as_sent(kind: MessageKind, words: Words, language: str, department: Department | None) -> dict[str, str]:
    """What is sealed: the words as they will leave, whatever a template says by then."""
    if kind.channel == Channel.SMS:
        return {"text": words.body}
    name = selectors.sender_name(language, department)
    with translation.override(language):
        foot = _("This message was written by a program: answers to it are read by nobody.")
        context = {"words": words, "sender": name, "language": language, "foot": foot}
        html = render_to_string("accounts/messaging/mail.html", context)
    return {"subject": words.subject, "text": f"{words.body}\n\n{foot}\n", "html": html, "sender": name}


def _message_id() -> str:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{secrets.token_hex(16)}@{domain[:80]}>"


def withdraw(subject_type: str, subject_uid: str) -> int:
    """Take back what has not left yet of the messages about one thing. How many."""
    rows = OutgoingMessage.objects.filter(subject_type=subject_type, subject_uid=subject_uid, due_at__isnull=False)
    return rows.update(due_at=None, sealed_words="", problem="withdrawn")


def prune(*, days: int = KEPT_DAYS) -> int:
    """Forget what was sent or given up long ago. How many."""
    before = timezone.now() - timedelta(days=days)
    return OutgoingMessage.objects.filter(created_at__lt=before, due_at=None).delete()[0]


def set_secret(row: SmsGatewaySettings, secret: str) -> None:
    """Put a gateway's secret into its row, sealed; the row is still to be saved."""
    row.sealed_secret = sealing.seal(secret) if secret else ""
