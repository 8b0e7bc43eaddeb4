"""Mail about notifications: each to one person, in their language, and never with patient data.

The rows say what is owed (``mail_due_at``), so that losing the broker, or a process in the middle of it, loses nothing.
A row is counted as tried before its mail goes out: a mail is sent at most a few times, whatever dies.
"""

import logging
from smtplib import SMTPException
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import connection, transaction
from django.db.models import Case, Value, When
from django.db.models.functions import Coalesce, Now
from django.utils import timezone, translation

from accounts.models import Notification, User
from accounts.notifications import kinds
from accounts.selectors import time_zone_of

logger = logging.getLogger(__name__)

MOST_ATTEMPTS: Final = 5

# The pause after each attempt, in seconds; the first is longer than any mail server takes to answer.
_CLAIM: Final = """
    UPDATE accounts_notification SET
        mail_attempts = mail_attempts + 1,
        mail_due_at = clock_timestamp() + (ARRAY[300, 900, 3600, 14400, 14400])[least(mail_attempts + 1, 5)] * interval '1 second'
    WHERE id = (SELECT id FROM accounts_notification WHERE mail_due_at <= clock_timestamp()
                ORDER BY mail_due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, happened_at
"""


class _Claimed(NamedTuple):
    row: Notification
    #: What the mail tells of: when more happened meanwhile, another one is owed.
    happened_at: Any


def send_due(*, at_most: int = 200) -> int:
    """Send the mails that are owed. How many went out.

    A mail server that is away is no attempt: the rows wait for the next turn, however long that is.
    """
    sent = 0
    server = get_connection()
    try:
        for _turn in range(at_most):
            claimed = _claim()
            if claimed is None:
                break
            message = _message(claimed.row)
            if message is None:
                _settle(claimed)
                continue
            try:
                server.open()
            except (OSError, SMTPException) as error:
                _put_off(claimed, error)
                break
            message.connection = server
            sent += _send(claimed, message)
    finally:
        server.close()
    return sent


def _claim() -> _Claimed | None:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM)
        found = cursor.fetchone()
    if found is None:
        return None
    row = Notification.objects.select_related("user").filter(pk=found[0]).first()
    return _Claimed(row, found[1]) if row else None


def _message(row: Notification) -> EmailMessage | None:
    """The mail; None for who has left or has no address, and for a kind that is no more."""
    kind, person = kinds.named(row.kind), row.user
    if kind is None or not person.is_active or not person.email:
        return None
    with translation.override(person.language or settings.LANGUAGE_CODE), _times_of(person):
        subject, text = kind.words(row.told)
    address = f"{settings.PUBLIC_URL}{row.path}"
    return EmailMessage(" ".join(subject.split()), f"{text}\n\n{address}\n", None, [person.email])


def _times_of(person: User) -> Any:
    return timezone.override(time_zone_of(person) or None)


def _send(claimed: _Claimed, message: EmailMessage) -> int:
    try:
        message.send()
    except (OSError, SMTPException, ValueError) as error:
        _note_failure(claimed, error)
        return 0
    _settle(claimed)
    return 1


def _settle(claimed: _Claimed) -> None:
    """Nothing is owed any more, unless more happened; what is told by mail alone is read by that."""
    with transaction.atomic():
        row = Notification.objects.filter(pk=claimed.row.pk)
        row.update(mailed_at=Now(), mail_problem="")
        settled = row.filter(happened_at=claimed.happened_at)
        settled.update(
            mail_due_at=None,
            mail_attempts=0,
            read_at=Coalesce("read_at", Case(When(in_page=False, then=Now()), default=Value(None))),
        )


def _put_off(claimed: _Claimed, error: Exception) -> None:
    logger.warning("The mail server is away (%s): notices wait.", type(error).__name__)
    Notification.objects.filter(pk=claimed.row.pk).update(
        mail_attempts=max(claimed.row.mail_attempts - 1, 0), mail_due_at=Now(), mail_problem=type(error).__name__
    )


def _note_failure(claimed: _Claimed, error: Exception) -> None:
    problem = type(error).__name__
    is_over = claimed.row.mail_attempts >= MOST_ATTEMPTS
    logger.warning("A notice could not be sent (%s)%s.", problem, ", and is not tried again" if is_over else "")
    row = Notification.objects.filter(pk=claimed.row.pk)
    row.update(mail_problem=problem, **({"mail_due_at": None} if is_over else {}))
