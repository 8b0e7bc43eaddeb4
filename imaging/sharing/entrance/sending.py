"""Links and codes on their way to whom they are for, in their language. A mail names nobody in full."""

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.actor import Actor
from imaging.sharing.models import Share


def link_of(share: Share, secret: str) -> str:
    """Return the whole link, with the secret where a browser keeps it to itself."""
    return f"{settings.PUBLIC_URL}/s/{share.key}/#{secret}"


def send_link(share: Share, secret: str, code: str, *, actor: Actor) -> None:
    """Send the link, once what made it is committed."""
    with translation.override(share.language):
        subject = _("Medical images were shared with you")
        text = _("Open them here:\n\n%(link)s\n\nWithout the link: %(page)s, and the code %(code)s.") % {
            "link": link_of(share, secret),
            "page": f"{settings.PUBLIC_URL}/s/{share.key}/",
            "code": code,
        }
    transaction.on_commit(lambda: _mail(share, subject, text))


def send_code(share: Share, code: str) -> None:
    """Send a code that was asked for."""
    with translation.override(share.language):
        subject = _("Your code: %(code)s") % {"code": code}
    transaction.on_commit(lambda: _mail(share, subject, subject))


def _mail(share: Share, subject: str, text: str) -> None:
    EmailMessage(subject, text, None, [share.recipient_email]).send()
