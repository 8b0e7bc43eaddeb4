"""People, places and memberships; and, of the rooms beside, the index of their models."""

import re
import zoneinfo
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.audit.models import AccessReview, AuditEvent, AuditPolicy, AuditReceiver
from accounts.federation.models import ClaimRule, FederatedIdentity, FederatedSession, IdentityProvider
from accounts.framing.models import FrameOrigin
from accounts.idempotency.models import KeyedRequest
from accounts.keys.models import (
    MachineKey,
    SetupLink,
    digest_of,
    new_secret,
    validate_addresses,
    validate_door_rights,
)
from accounts.labels import CLEARABLE, Label
from accounts.messaging.models import MessageTemplate, OutgoingMessage, SmsGatewaySettings
from accounts.notifications.models import Notification, NotificationPreference
from accounts.outbound.models import OutboundHost
from accounts.practitioners.models import PractitionerIdentifier
from accounts.querysets import DepartmentManager, DepartmentQuerySet, MembershipQuerySet
from accounts.roles import Role
from accounts.sealed.models import SealedAccount, SealedOpening
from accounts.signing_in.models import SetPasswordLink, SignInPolicy

__all__ = [
    "AccessReview",
    "AuditEvent",
    "AuditPolicy",
    "AuditReceiver",
    "ClaimRule",
    "Department",
    "DepartmentGroup",
    "FederatedIdentity",
    "FederatedSession",
    "FrameOrigin",
    "IdentityProvider",
    "KeyedRequest",
    "Language",
    "MachineKey",
    "Membership",
    "MessageTemplate",
    "Notification",
    "NotificationPreference",
    "OutboundHost",
    "OutgoingMessage",
    "PractitionerIdentifier",
    "SealedAccount",
    "SealedOpening",
    "SetPasswordLink",
    "SetupLink",
    "SharesPriors",
    "SignInPolicy",
    "Site",
    "SmsGatewaySettings",
    "Theme",
    "User",
    "digest_of",
    "new_secret",
    "validate_addresses",
    "validate_door_rights",
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


class DepartmentGroup(models.Model):
    """Departments in which one membership holds together: a site, or a service line across sites."""

    class Kind(models.TextChoices):
        """What holds the departments together."""

        SITE = "site", _("site")
        SERVICE_LINE = "service_line", _("service line")

    code = models.SlugField(_("code"), max_length=32, unique=True, help_text=_("Short and lasting: used by rules."))
    name = models.CharField(_("name (English)"), max_length=150)
    name_fr = models.CharField(_("name (French)"), max_length=150, blank=True)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices, default=Kind.SERVICE_LINE)
    departments = models.ManyToManyField(
        Department,
        related_name="groups",
        verbose_name=_("departments"),
        blank=True,
        limit_choices_to={"is_personal": False},
    )

    class Meta:
        verbose_name = _("group of departments")
        verbose_name_plural = _("groups of departments")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The name in the reader's language."""
        if (get_language() or "").startswith(Language.FRENCH):
            return self.name_fr or self.name
        return self.name


def validate_clearances(value: Any) -> None:
    """Accept labels that a membership may clear, each once."""
    if not isinstance(value, list) or len(set(value)) != len(value) or not set(value) <= CLEARABLE:
        raise ValidationError(_("Choose among staff, VIP and protected: nobody is cleared for restricted records."))


class Membership(models.Model):
    """A person's role in a department or in every department of a group, from a moment and possibly until another."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("user"))
    department = models.ForeignKey(
        Department,
        on_delete=models.PROTECT,
        related_name="memberships",
        verbose_name=_("department"),
        null=True,
        blank=True,
    )
    group = models.ForeignKey(
        DepartmentGroup,
        on_delete=models.PROTECT,
        related_name="memberships",
        verbose_name=_("group of departments"),
        null=True,
        blank=True,
        help_text=_("In place of a department: the role is then held in every department of the group."),
    )
    role = models.CharField(_("role"), max_length=32, choices=Role.choices)
    clears = ArrayField(
        models.CharField(max_length=16, choices=Label.choices),
        verbose_name=_("cleared for"),
        default=list,
        blank=True,
        validators=[validate_clearances],
        help_text=_("Labels that do not keep this person away here, beside those that the role clears."),
    )
    valid_from = models.DateTimeField(_("from"), default=timezone.now)
    valid_until = models.DateTimeField(_("until"), null=True, blank=True)
    made_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("made by"),
    )
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

    #: The department of this row, by primary key: there for rows of ``MembershipQuerySet.by_place`` alone.
    place: int
    place_code: str

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ("user", "department", "valid_from")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="membership_of_department_or_group",
                condition=models.Q(department__isnull=False, group__isnull=True)
                | models.Q(department__isnull=True, group__isnull=False),
                violation_error_message=_("Choose a department or a group of departments: one of the two."),
            ),
            models.CheckConstraint(
                name="membership_ends_after_it_begins",
                condition=models.Q(valid_until__isnull=True) | models.Q(valid_until__gte=models.F("valid_from")),
                violation_error_message=_("The end must come after the beginning."),
            ),
        ]

    def __str__(self) -> str:
        # A form that was sent back holds a row as it was typed, which may be without a place.
        return f"{self.user} · {self.department or self.group or '—'} · {self.get_role_display()}"

    @property
    def where(self) -> Department | DepartmentGroup:
        """The department or the group in which the role is held."""
        place = self.department or self.group
        if place is None:
            raise ValueError("a membership without a place")
        return place

    def is_active_at(self, moment: datetime) -> bool:
        """Whether this membership holds at ``moment`` (the end itself is outside)."""
        return self.valid_from <= moment and (self.valid_until is None or moment < self.valid_until)
