"""Health records that open images here, and that tell what matters of a patient beside them."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.federation.models import Protocol
from accounts.federation.validators import is_secure_address, validate_scope
from accounts.models import IdentityProvider, Site

_SYSTEM = RegexValidator(r"^[a-z][a-z0-9+.-]*:[^\s\"<>]+\Z", _("Write a URI, such as urn:oid:1.2.3."))


def validate_base(address: str) -> None:
    """Accept the base address of a FHIR server: https, without query or fragment."""
    if not is_secure_address(address) or "?" in address:
        raise ValidationError(_("Write an https address without a question mark."))


def launch_scopes() -> list[str]:
    """What is asked for when the record opens images: who, which patient, and no more than what names the images."""
    return ["openid", "fhirUser", "launch", "patient/Patient.r", "patient/ImagingStudy.r", "patient/ServiceRequest.r"]


def reading_scopes() -> list[str]:
    """What is asked for to show what matters beside the images."""
    kinds = ("AllergyIntolerance", "Condition", "Encounter", "MedicationRequest", "Observation", "Patient")
    return [f"system/{kind}.rs" for kind in kinds]


class HealthRecord(models.Model):
    """One health record with a FHIR server (SMART App Launch 2.2): whose patients, who vouches for its users, how it is read.

    ``address`` is what the record calls ``iss``: launches of any other are refused.
    """

    class Access(models.TextChoices):
        """How the portal reads it by itself, without anybody's launch."""

        NONE = "none", _("not at all")
        BACKEND = "backend", _("SMART Backend Services, with the portal's own key")
        TOKEN = "token", _("fixed token in the header")
        OPEN = "open", _("without a proof: the network lets nobody else in")

    name = models.CharField(_("name"), max_length=120, unique=True)
    slug = models.SlugField(
        _("short name"), max_length=40, unique=True, help_text=_("Part of the address to which the record sends back.")
    )
    is_active = models.BooleanField(_("active"), default=True)
    site = models.ForeignKey(
        Site, models.PROTECT, related_name="+", verbose_name=_("site"), help_text=_("Whose patient numbers it knows.")
    )
    address = models.CharField(
        _("FHIR address"),
        max_length=500,
        unique=True,
        validators=[validate_base],
        help_text=_(
            "The base of its FHIR server (R4), exactly as the record sends it as iss. Its host must be listed."
        ),
    )
    patient_system = models.CharField(
        _("system of the patient numbers"),
        max_length=200,
        blank=True,
        validators=[_SYSTEM],
        help_text=_("Patient.identifier.system of the site's numbers there. Empty: urn:oid: and the site's OID."),
    )
    provider = models.ForeignKey(
        IdentityProvider,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        limit_choices_to=Q(protocol=Protocol.OIDC),
        verbose_name=_("signs its users in"),
        help_text=_("The provider behind the record's launches (SMART). Empty: the record opens nothing by itself."),
    )
    scopes = ArrayField(
        models.CharField(max_length=100, validators=[validate_scope]),
        verbose_name=_("scopes of a launch"),
        default=launch_scopes,
        blank=True,
    )
    access = models.CharField(
        _("is read"),
        max_length=8,
        choices=Access.choices,
        default=Access.NONE,
        help_text=_("Allergies, problems, medication and laboratory are then shown beside the images."),
    )
    accepts_tokens = models.BooleanField(
        _("its tokens open images"),
        default=False,
        help_text=_(
            "SMART Imaging Access: a program that the record let in for a patient sees that patient's images here, with the"
            " same token. The record is asked about each token."
        ),
    )
    client_id = models.CharField(_("client ID for reading"), max_length=255, blank=True)
    reading_scopes = ArrayField(
        models.CharField(max_length=100, validators=[validate_scope]),
        verbose_name=_("scopes for reading"),
        default=reading_scopes,
        blank=True,
    )
    sealed_token = models.TextField(editable=False, blank=True)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta:
        """By name."""

        verbose_name = _("health record")
        verbose_name_plural = _("health records")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def base(self) -> str:
        """The address without a slash at its end."""
        return self.address.rstrip("/")

    @property
    def system(self) -> str:
        """By which system the record names the site's numbers; empty where nobody has said."""
        oid = self.site.issuer_oid
        return self.patient_system or (f"urn:oid:{oid}" if oid else "")

    def number_in(self, patient: Mapping[str, Any]) -> str:
        """The site's number of a patient as the record has it (ID-1): the one in use, and one alone; otherwise empty."""
        identifiers = patient.get("identifier")
        values = {
            one["value"].strip()
            for one in (identifiers if isinstance(identifiers, list) else ())
            if isinstance(one, dict)
            and one.get("system") == self.system
            and isinstance(one.get("value"), str)
            and one.get("use") != "old"
        } - {""}
        return str(values.pop()) if len(values) == 1 else ""

    def clean(self) -> None:
        """Refuse what cannot work."""
        if self.accepts_tokens and self.access == self.Access.NONE:
            raise ValidationError({"access": _("To know whose a token is, the record has to be read: choose how.")})
        if not self.patient_system and self.site_id and not self.site.issuer_oid:
            raise ValidationError({"patient_system": _("The site has no OID: write the system of its numbers.")})
        if self.access == self.Access.BACKEND and not self.client_id:
            raise ValidationError({"client_id": _("Write the client ID that the record gave for reading.")})
