"""Mail to people of the hospital, each in their own language. Never with patient data: mail is read anywhere."""

import logging
from collections.abc import Callable, Iterable
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.utils import translation

from accounts.models import User

logger = logging.getLogger(__name__)


def notify(people: Iterable[User], *, subject: Callable[[], str], text: Callable[[], str]) -> int:
    """Write to those who have an address; ``subject`` and ``text`` are called in each reader's language. How many.

    A mail server that is away is logged and not waited for: what the mail tells stands in the portal as well.
    """
    written = 0
    for person in people:
        if not person.email:
            continue
        with translation.override(person.language or settings.LANGUAGE_CODE):
            try:
                written += send_mail(subject(), text(), None, [person.email])
            except (OSError, SMTPException) as error:
                logger.warning("A notice could not be sent (%s).", type(error).__name__)
    return written
