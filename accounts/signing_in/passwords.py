"""What a password must be, and how one is chosen: by its owner, signed in or with a link. Nobody chooses another's."""

import logging
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actor import Actor
from accounts.audit import Action
from accounts.models import SetPasswordLink, User, digest_of, new_secret
from accounts.signing_in import breached, notices, policy, sessions

log = logging.getLogger(__name__)

#: Long enough for any sentence, short enough for a digest that is made to be slow.
LONGEST: Final = 256


class BreachedPasswordValidator:
    """Refuses a password that has leaked elsewhere (NIST SP 800-63B, section 5.1.1.2), where there is a list of them."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise :class:`ValidationError` for a password of the list. A list that cannot be read is logged."""
        path = settings.BREACHED_PASSWORDS_FILE
        if path is None:
            return
        try:
            found = breached.contains(path, password)
        except (OSError, breached.NotAList) as error:
            log.critical("ALARM: BREACHED_PASSWORDS_FILE cannot be searched (%s).", type(error).__name__)
            return
        if found:
            raise ValidationError(
                _("This password is known from a break-in elsewhere. Choose another one."), code="password_breached"
            )

    def get_help_text(self) -> str:
        """Say what is asked."""
        return _("Not a password that is known from a break-in elsewhere.")


class LengthValidator:
    """Refuses what is longer than the portal reads."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise :class:`ValidationError` past the limit."""
        if len(password) > LONGEST:
            raise ValidationError(
                _("A password has at most %(number)d characters."), params={"number": LONGEST}, code="password_too_long"
            )

    def get_help_text(self) -> str:
        """Say what is asked."""
        return _("At most %(number)d characters.") % {"number": LONGEST}


@transaction.atomic
def change(*, request: HttpRequest, actor: Actor, user: User, password: str) -> None:
    """Change one's own password; the other sessions end. Raises :class:`ValidationError`."""
    _set(user, password)
    sessions.end_all(actor=actor, user=user, reason="password changed", but_of=request)
    audit.record(Action.PASSWORD_CHANGED, actor=actor, subject_type="user", subject_uid=str(user.pk))


@transaction.atomic
def issue_link(*, actor: Actor, user: User, life: timedelta | None = None) -> tuple[SetPasswordLink, str]:
    """Make a link with which this person chooses a password; return it with its secret. Earlier links end."""
    now = timezone.now()
    SetPasswordLink.objects.filter(user=user, used_at__isnull=True, expires_at__gt=now).update(expires_at=now)
    secret = new_secret()
    link = SetPasswordLink.objects.create(
        user=user, digest=digest_of(secret), expires_at=now + (life or policy.in_force().link)
    )
    audit.record(
        Action.PASSWORD_LINK_ISSUED,
        actor=actor,
        subject_type="user",
        subject_uid=str(user.pk),
        detail={"username": user.get_username(), "expires_at": link.expires_at},
    )
    notices.tell(user, notices.LINK_MADE, actor=actor)
    return link, secret


def owner_of_link(secret: str) -> User | None:
    """Return who may choose a password with this secret now."""
    link = _usable(secret).select_related("user").first() if secret else None
    return link.user if link else None


@transaction.atomic
def set_with_link(*, actor: Actor, secret: str, password: str) -> User:
    """Use a link: set the password, end all sessions. Passkeys and apps stay, and are asked for as before.

    Raises :class:`ValidationError` when the link is used, expired or unknown, or the password is refused.
    """
    link = _usable(secret).select_for_update(of=("self",)).select_related("user").first()
    if link is None:
        raise ValidationError(_("This link has been used or has expired."))
    user: User = link.user
    _set(user, password)
    link.used_at = timezone.now()
    link.save(update_fields=["used_at"])
    sessions.end_all(actor=actor, user=user, reason="password set")
    audit.record(
        Action.PASSWORD_CHANGED, actor=actor, subject_type="user", subject_uid=str(user.pk), detail={"with": "link"}
    )
    return user


def _usable(secret: str) -> Any:
    return SetPasswordLink.objects.filter(
        digest=digest_of(secret), used_at__isnull=True, expires_at__gt=timezone.now(), user__is_active=True
    )


def _set(user: User, password: str) -> None:
    validate_password(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])
