"""What sign-in keeps: the policy, version by version, and links with which a password is chosen."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.roles import Role
from accounts.signing_in.acts import Act


def validate_roles(value: Any) -> None:
    """Accept a list of roles."""
    if not isinstance(value, list) or any(item not in Role.values for item in value):
        raise ValidationError(_("Choose among the roles."))


def validate_acts(value: Any) -> None:
    """Accept a list of acts."""
    if not isinstance(value, list) or any(item not in Act.values for item in value):
        raise ValidationError(_("Choose among the acts."))


def default_roles() -> list[str]:
    """Return who needs a second factor where nobody has said otherwise: everybody, but for the people of a demo."""
    return [] if settings.DEMO else [str(role) for role in Role]


def default_passkey_roles() -> list[str]:
    """Return who needs a passkey where nobody has said otherwise: administrators, but for those of a demo."""
    return [] if settings.DEMO else [str(Role.ADMINISTRATOR)]


def default_passkey_acts() -> list[str]:
    """Return what needs a passkey where nobody has said otherwise."""
    if settings.DEMO:
        return []
    return [str(act) for act in (Act.ADMINISTRATION, Act.EXPORT, Act.BREAK_GLASS, Act.KEYS, Act.AUDIT)]


def default_confirmed_acts() -> list[str]:
    """Return what needs a fresh proof where nobody has said otherwise: all of them."""
    return [str(act) for act in Act]


class SignInPolicy(models.Model):
    """One version of the rules of sign-in. The newest row is in force; none is ever changed."""

    mfa_roles = models.JSONField(
        _("second factor needed by"),
        default=default_roles,
        blank=True,
        validators=[validate_roles],
        help_text=_("People with one of these roles enrol a passkey or an authenticator app before anything else."),
    )
    passkey_roles = models.JSONField(
        _("passkey needed by"),
        default=default_passkey_roles,
        blank=True,
        validators=[validate_roles],
        help_text=_("A passkey cannot be given away to a false page; a code of an app can."),
    )
    confirmed_acts = models.JSONField(
        _("proof asked again before"),
        default=default_confirmed_acts,
        blank=True,
        validators=[validate_acts],
    )
    passkey_acts = models.JSONField(
        _("proof with a passkey only"),
        default=default_passkey_acts,
        blank=True,
        validators=[validate_acts],
        help_text=_("Who has no passkey cannot do these. Think of emergency access before you tick it."),
    )
    grace_days = models.PositiveSmallIntegerField(
        _("days to enrol"),
        default=0,
        validators=[MaxValueValidator(30)],
        help_text=_("How long a person may go on without the factor that is needed, from the account's first day."),
    )
    idle_minutes = models.PositiveSmallIntegerField(
        _("minutes without activity"),
        default=15,
        validators=[MinValueValidator(1), MaxValueValidator(240)],
        help_text=_("After this long without a key, a touch or a click, the session ends."),
    )
    absolute_hours = models.PositiveSmallIntegerField(
        _("hours in all"), default=12, validators=[MinValueValidator(1), MaxValueValidator(24)]
    )
    step_up_minutes = models.PositiveSmallIntegerField(
        _("minutes a proof stays fresh"), default=5, validators=[MinValueValidator(1), MaxValueValidator(30)]
    )
    link_hours = models.PositiveSmallIntegerField(
        _("hours a set-password link is good"), default=24, validators=[MinValueValidator(1), MaxValueValidator(168)]
    )
    quick_switch = models.BooleanField(
        _("quick switch of users"),
        default=True,
        help_text=_("On a shared computer the next person signs in from the menu and comes to the same page."),
    )
    note = models.CharField(_("why"), max_length=200, blank=True)
    made_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("made by"),
    )

    class Meta:
        verbose_name = _("sign-in policy")
        verbose_name_plural = _("sign-in policy")
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class SetPasswordLink(models.Model):
    """A link, good once, with which a person chooses a password. The administrator who made it never learns it."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("user")
    )
    digest = models.CharField(_("digest"), max_length=64, unique=True, editable=False)
    made_at = models.DateTimeField(_("made"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"))
    used_at = models.DateTimeField(_("used"), null=True, blank=True)

    class Meta:
        verbose_name = _("set-password link")
        verbose_name_plural = _("set-password links")

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
