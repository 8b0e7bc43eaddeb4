"""People, places, memberships and machine keys; the audit table is one of them."""

import hashlib
import ipaddress
import re
import secrets
import zoneinfo
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.audit.models import AccessReview, AuditEvent, AuditPolicy, AuditReceiver
from accounts.federation.models import ClaimRule, FederatedIdentity, FederatedSession, IdentityProvider
from accounts.framing.models import FrameOrigin
from accounts.idempotency.models import KeyedRequest
from accounts.outbound.models import OutboundHost
from accounts.querysets import (
    DepartmentManager,
    DepartmentQuerySet,
    MachineKeyQuerySet,
    MembershipQuerySet,
    SetupLinkQuerySet,
)
from accounts.roles import MACHINE_DOORS, Right, Role
from accounts.signing_in.models import SetPasswordLink, SignInPolicy

__all__ = [
    "AccessReview",
    "AuditEvent",
    "AuditPolicy",
    "AuditReceiver",
    "ClaimRule",
    "Department",
    "FederatedIdentity",
    "FederatedSession",
    "FrameOrigin",
    "IdentityProvider",
    "KeyedRequest",
    "Language",
    "MachineKey",
    "Membership",
    "OutboundHost",
    "SetPasswordLink",
    "SetupLink",
    "SharesPriors",
    "SignInPolicy",
    "Site",
    "Theme",
    "User",
]

_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")


def validate_time_zone(name: str) -> None:
    """Accept a name of the IANA time zone database only."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(_("“%(name)s” is not a time zone. Example: Europe/Paris."), params={"name": name})


def validate_oid(value: str) -> None:
    """Accept an ISO object identifier of at most 64 characters (DICOM PS3.5, section 9.1)."""
    if len(value) > 64 or not _OID.fullmatch(value):
        raise ValidationError(
            _("“%(value)s” is not an object identifier. Example: 1.2.250.1.71.4.2.7."),
            params={"value": value},
        )


def validate_addresses(value: Any) -> None:
    """Accept a list of addresses or networks, in CIDR notation."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValidationError(_("Write a list of addresses or networks."))
    for item in value:
        try:
            ipaddress.ip_network(item)
        except ValueError:
            raise ValidationError(
                _("“%(item)s” is not an address or a network. Example: 10.1.0.0/16."),
                params={"item": item},
            ) from None


def validate_door_rights(value: Any) -> None:
    """Accept an object that names, for each machine door, a list of rights."""
    if not isinstance(value, dict):
        raise ValidationError(_("Write the rights of each door."))
    for door, rights in value.items():
        if door not in [str(known) for known in MACHINE_DOORS]:
            raise ValidationError(_("“%(door)s” is not a door for machines."), params={"door": door})
        if not isinstance(rights, list) or any(right not in Right.values for right in rights):
            raise ValidationError(_("The rights of “%(door)s” are not known."), params={"door": door})


class Language(models.TextChoices):
    """The languages of the portal, each in its own name."""

    ENGLISH = "en", "English"
    FRENCH = "fr", "Français"


class Theme(models.TextChoices):
    """Light of the room in which the portal is read."""

    DARK = "dark", _("Dark")
    LIGHT = "light", _("Light")
    SYSTEM = "system", _("Same as the computer")


class User(AbstractUser):
    """A person who signs in. What the person may see comes from memberships, never from here."""

    display_name = models.CharField(_("display name"), max_length=150, blank=True)
    language = models.CharField(_("language"), max_length=8, choices=Language.choices, blank=True, default="")
    theme = models.CharField(_("theme"), max_length=8, choices=Theme.choices, default=Theme.DARK)
    session_epoch = models.PositiveIntegerField(
        default=0, editable=False, help_text=_("Counts up when all sessions of the person are ended.")
    )
    #: Where what was granted to this person alone is placed (``Department.is_personal``); made with the first grant.
    own_place = models.OneToOneField(
        "Department", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="person"
    )

    class Meta(AbstractUser.Meta):
        verbose_name = _("user")  # type: ignore[assignment]
        verbose_name_plural = _("users")  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The name to show: display name, or first and last name, or the account's name."""
        return self.display_name or super().get_full_name() or self.get_username()

    def get_full_name(self) -> str:
        """Return the name to show (Django's own pages ask for it)."""
        return self.label

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Tie every session to the password *and* the epoch: a step of the epoch ends them all at the next request."""
        salt = "accounts.User.session_auth_hash"
        shown = f"{self.session_epoch}:{self.password}"
        return salted_hmac(salt, shown, secret=secret, algorithm="sha256").hexdigest()


class Site(models.Model):
    """A hospital or place, with the authority that issues its patient identifiers."""

    name = models.CharField(_("name"), max_length=150, unique=True)
    issuer_of_patient_id = models.CharField(
        _("issuer of patient ID"),
        max_length=64,
        help_text=_("As in DICOM (0010,0021): the authority that numbers this site's patients."),
    )
    issuer_oid = models.CharField(_("issuer's OID"), max_length=64, blank=True, validators=[validate_oid])
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/Paris", validators=[validate_time_zone])

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The time zone, ready to use."""
        return zoneinfo.ZoneInfo(self.time_zone)


class SharesPriors(models.TextChoices):
    """Who may open a department's studies as earlier studies of a patient whom they care for."""

    NOBODY = "nobody", _("nobody: others see only that they exist")
    SITE = "site", _("who cares for the patient at the same site")
    EVERYONE = "everyone", _("who cares for the patient at any site")


class Department(models.Model):
    """A department of a site: the unit in which studies are placed and people work.

    A *personal* one is the place of what was granted to one person alone (as every user of a Unix system has a group of
    their own): lists and scope then know one kind of place. ``objects`` leaves these out, ``holders`` has all.
    """

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="departments", verbose_name=_("site"))
    code = models.SlugField(_("code"), max_length=32, unique=True, help_text=_("Short and lasting: used by rules."))
    name = models.CharField(_("name (English)"), max_length=150)
    name_fr = models.CharField(_("name (French)"), max_length=150, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    shares_priors = models.CharField(
        _("earlier studies may be opened by"),
        max_length=12,
        choices=SharesPriors.choices,
        default=SharesPriors.SITE,
        help_text=_(
            "A reader who cares for a patient sees that earlier studies exist here: date, modality, department. "
            "This says who may open their images. Protected studies are neither shown nor opened."
        ),
    )
    is_personal = models.BooleanField(default=False, editable=False)

    objects = DepartmentManager()
    holders = DepartmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("department")
        verbose_name_plural = _("departments")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The name in the reader's language."""
        if (get_language() or "").startswith(Language.FRENCH):
            return self.name_fr or self.name
        return self.name


class Membership(models.Model):
    """A person's role in a department, from a moment and possibly until another."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("user"))
    department = models.ForeignKey(
        Department,
        on_delete=models.PROTECT,
        related_name="memberships",
        verbose_name=_("department"),
    )
    role = models.CharField(_("role"), max_length=32, choices=Role.choices)
    valid_from = models.DateTimeField(_("from"), default=timezone.now)
    valid_until = models.DateTimeField(_("until"), null=True, blank=True)
    #: Provenance: the provider by whose rules this was given. Only these end when the provider says so no longer.
    given_by = models.ForeignKey(
        "accounts.IdentityProvider",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="memberships",
        verbose_name=_("given by"),
    )
    #: The rule itself; gone with it, which ends the membership.
    by_rule = models.ForeignKey(
        "accounts.ClaimRule", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ("user", "department", "valid_from")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="membership_ends_after_it_begins",
                condition=models.Q(valid_until__isnull=True) | models.Q(valid_until__gte=models.F("valid_from")),
                violation_error_message=_("The end must come after the beginning."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.department} · {self.get_role_display()}"

    def is_active_at(self, moment: datetime) -> bool:
        """Whether this membership holds at ``moment`` (the end itself is outside)."""
        return self.valid_from <= moment and (self.valid_until is None or moment < self.valid_until)


class MachineKey(models.Model):
    """A key with which a machine signs in. The key itself is shown once and never stored."""

    name = models.CharField(
        _("name"),
        max_length=64,
        unique=True,
        # A colon ends the name in HTTP Basic (RFC 7617, section 2).
        validators=[RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9._-]*$", _("Use letters, digits, . _ -"))],
    )
    prefix = models.CharField(_("prefix"), max_length=16, editable=False)
    digest = models.CharField(_("digest"), max_length=64, unique=True, editable=False)
    departments = models.ManyToManyField(
        Department, related_name="machine_keys", verbose_name=_("departments"), blank=True
    )
    rights = models.JSONField(_("rights per door"), default=dict, validators=[validate_door_rights], blank=True)
    addresses = models.JSONField(
        _("allowed addresses"),
        default=list,
        blank=True,
        validators=[validate_addresses],
        help_text=_("Empty: from any address."),
    )
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    created_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("created by"),
    )

    objects = MachineKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("machine key")
        verbose_name_plural = _("machine keys")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def is_usable_at(self, moment: datetime) -> bool:
        """Whether the key is neither revoked nor expired at ``moment``."""
        return self.revoked_at is None and (self.expires_at is None or moment < self.expires_at)

    def rights_at(self, door: str) -> frozenset[Right]:
        """Return the rights that this key has at ``door``; what is not understood gives none."""
        given = self.rights.get(door) if isinstance(self.rights, dict) else None
        if not isinstance(given, list):
            return frozenset()
        return frozenset(Right(right) for right in given if right in Right.values)

    def allows_address(self, address: str) -> bool:
        """Whether the key may be used from ``address``; an address that cannot be read may not."""
        if not self.addresses:
            return True
        try:
            peer = ipaddress.ip_address(address)
            return any(peer in ipaddress.ip_network(network) for network in self.addresses)
        except (TypeError, ValueError):
            return False


def new_secret() -> str:
    """Return 256 random bits as URL-safe text."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """Return what is stored of a secret of 256 random bits: no salt or stretching is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


class SetupLink(models.Model):
    """A link, used once, with which the first administrator chooses a name and a password."""

    digest = models.CharField(_("digest"), max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    used_at = models.DateTimeField(_("used"), null=True, blank=True)

    objects = SetupLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("set-up link")
        verbose_name_plural = _("set-up links")

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
