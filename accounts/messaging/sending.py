"""Sending what is owed to people outside: mail to the mail server, text messages to their gateway.

The rows say what is owed (``due_at``), so that losing the broker, or a process in the middle of it, loses nothing. A row
is counted as tried before it goes out: a message is sent at most a few times, whatever dies. Its words are erased with
the same statement that notes how it ended.
"""

import json
import logging
import smtplib
import time
from collections.abc import Callable
from datetime import timedelta
from email.utils import formataddr, parseaddr
from typing import Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from accounts.messaging import gateways, selectors
from accounts.messaging.gateways import NotTaken
from accounts.messaging.kinds import Channel
from accounts.messaging.models import OutgoingMessage
from accounts.signing_in import sealing

logger = logging.getLogger(__name__)

MOST_ATTEMPTS: Final = 6
#: Seconds after each failure: servers that put strangers off take the second attempt after a few minutes (RFC 6647).
_PAUSES: Final = (20, 120, 600, 3600, 14400)
#: Seconds after which a server that was away is asked again.
_AWAY: Final = 20

# A row whose process died comes back after five minutes: longer than any server takes to answer.
_CLAIM: Final = """
    UPDATE accounts_outgoingmessage SET
        attempts = attempts + 1, due_at = clock_timestamp() + interval '5 minutes'
    WHERE id = (SELECT id FROM accounts_outgoingmessage WHERE channel = %s AND due_at <= clock_timestamp()
                ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id
"""

#: Seconds in which messages of one channel are begun, and that a mail server may be silent: a turn is over in a minute.
_WITHIN: Final = 15.0
_SILENCE: Final = 10

#: Sends one message with its words. Raises ``NotTaken``.
_Send = Callable[[OutgoingMessage, dict[str, str]], None]


def send_due(*, at_most: int = 100) -> int:
    """Send the messages that are owed, at most so many by each channel. How many went out."""
    return _send_mails(at_most) + _send_texts(at_most)


def _send_mails(at_most: int) -> int:
    server = get_connection(timeout=settings.EMAIL_TIMEOUT or _SILENCE)

    def send(row: OutgoingMessage, words: dict[str, str]) -> None:
        try:
            server.open()
        except (OSError, smtplib.SMTPException) as error:
            keeps_us_out = isinstance(error, smtplib.SMTPResponseException)
            raise NotTaken("server_closed" if keeps_us_out else "server_away", is_away=True) from error
        try:
            message = _mail(row, words)
            message.connection = server
            message.send()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # After a refusal a connection may be in any state: the next mail gets another one.
            server.close()
            raise NotTaken(_why(error)) from error

    try:
        return _send_channel(Channel.MAIL, send, at_most)
    finally:
        server.close()


def _send_texts(at_most: int) -> int:
    def send(row: OutgoingMessage, words: dict[str, str]) -> None:
        gateway = gateways.gateway_of(selectors.gateway_settings())
        if gateway is None:
            raise NotTaken("no_gateway")
        gateway.send(row.recipient, words["text"])

    return _send_channel(Channel.SMS, send, at_most)


def _send_channel(channel: Channel, send: _Send, at_most: int) -> int:
    """Send by one channel until nothing is owed, whoever takes it is away, or the time is over."""
    sent = 0
    until = time.monotonic() + _WITHIN
    for _turn in range(at_most):
        if time.monotonic() > until:
            break
        row = _claim(channel)
        if row is None:
            break
        if row.good_until is not None and row.good_until <= timezone.now():
            _give_up(row, "expired")
            continue
        if row.attempts > MOST_ATTEMPTS:
            # Whoever tried it last died of it: nobody is left to note that.
            _give_up(row, "not_sent")
            continue
        try:
            send(row, json.loads(sealing.opened(row.sealed_words)))
        except sealing.Unreadable:
            _give_up(row, "unreadable")
        except NotTaken as error:
            if error.is_away:
                _put_off(row, error.code)
                break
            _note_failure(row, error.code)
        else:
            row_now = OutgoingMessage.objects.filter(pk=row.pk)
            row_now.update(sent_at=Now(), due_at=None, sealed_words="", problem="")
            sent += 1
    return sent


def _claim(channel: Channel) -> OutgoingMessage | None:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [channel.value])
        found = cursor.fetchone()
    # What was withdrawn this very moment has no words any more.
    return OutgoingMessage.objects.filter(pk=found[0], due_at__isnull=False).first() if found else None


def _mail(row: OutgoingMessage, words: dict[str, str]) -> EmailMultiAlternatives:
    """The mail: plain text and the same as HTML. Answering machines are asked not to answer (RFC 3834, section 5)."""
    sender = formataddr((words["sender"], parseaddr(settings.DEFAULT_FROM_EMAIL)[1]))
    headers = {
        "Message-ID": row.message_id,
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "Content-Language": row.language,
    }
    message = EmailMultiAlternatives(words["subject"], words["text"], sender, [row.recipient], headers=headers)
    message.attach_alternative(words["html"], "text/html")
    return message


def _why(error: Exception) -> str:
    """Return the code of what went wrong; a recipient refused for good (RFC 5321, section 4.2.1) is an address that is none."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        statuses = [status for status, _said in error.recipients.values()]
        return "no_such_address" if statuses and min(statuses) >= 500 else "refused"
    if isinstance(error, TimeoutError):
        return "took_too_long"
    return "refused" if isinstance(error, smtplib.SMTPResponseException) else "not_sent"


def _put_off(row: OutgoingMessage, problem: str) -> None:
    """Note that who takes it was away: that is no attempt, and it waits, however long, while it is of use."""
    logger.warning("Nobody takes messages by %s (%s): they wait.", row.channel, problem)
    due = timezone.now() + timedelta(seconds=_AWAY)
    OutgoingMessage.objects.filter(pk=row.pk, due_at__isnull=False).update(
        attempts=max(row.attempts - 1, 0), due_at=due, problem=problem
    )


def _note_failure(row: OutgoingMessage, problem: str) -> None:
    is_over = row.attempts >= MOST_ATTEMPTS or problem in {"no_such_address", "no_gateway"}
    logger.warning(
        "A message by %s could not be sent (%s)%s.", row.channel, problem, ", and is given up" if is_over else ""
    )
    if is_over:
        _give_up(row, problem)
        return
    due = timezone.now() + timedelta(seconds=_PAUSES[min(row.attempts, len(_PAUSES)) - 1])
    OutgoingMessage.objects.filter(pk=row.pk, due_at__isnull=False).update(due_at=due, problem=problem)


def _give_up(row: OutgoingMessage, problem: str) -> None:
    OutgoingMessage.objects.filter(pk=row.pk).update(due_at=None, sealed_words="", problem=problem)
