"""Roles, and the one table that says what each of them may do.

A *right* is asked about an object (may this study be downloaded); a *capability* is asked about a
person in a department (may this person ask for an exam). Both come from the role of a membership.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from accounts.labels import CLEARABLE, Label


class Right(TextChoices):
    """What may be done with an object in scope."""

    LIST = "list", _("List")
    VIEW = "view", _("View")
    DOWNLOAD = "download", _("Download")
    WRITE = "write", _("Write")
    SHARE = "share", _("Share")


class Door(TextChoices):
    """The ways into the portal. Rights of a machine key are given per door."""

    PAGE = "page", _("Pages")
    UPLOAD = "upload", _("Upload")
    DICOMWEB = "dicomweb", _("DICOMweb")
    API = "api", _("REST API")
    FHIR = "fhir", _("FHIR")
    DIMSE = "dimse", _("DICOM network")
    HL7 = "hl7", "HL7"
    SHARE = "share", _("Share link")
    COMMAND = "command", _("Command line")


MACHINE_DOORS: Final = (Door.DICOMWEB, Door.API, Door.FHIR)


class Role(TextChoices):
    """What a person is in a department."""

    CLINICIAN = "clinician", _("Clinician")
    RADIOLOGIST = "radiologist", _("Radiologist")
    RADIOGRAPHER = "radiographer", _("Radiographer")
    DEPARTMENT_MANAGER = "department_manager", _("Department manager")
    ARCHIVIST = "archivist", _("Film archivist")
    QUALITY_OFFICER = "quality_officer", _("Quality officer")
    PRIVACY_OFFICER = "privacy_officer", _("Privacy officer")
    INTEGRATOR = "integrator", _("Integrator")
    ADMINISTRATOR = "administrator", _("Administrator")
    TRAINEE = "trainee", _("Trainee")


class Capability(TextChoices):
    """What a role allows beyond reading objects."""

    REQUEST_EXAM = "request_exam", _("Ask for an exam")
    REQUEST_ACCESS = "request_access", _("Ask for access")
    APPROVE_ACCESS = "approve_access", _("Approve access requests")
    READ_PRIORS = "read_priors", _("See a patient's earlier studies elsewhere")
    BREAK_GLASS = "break_glass", _("Open in an emergency")
    REVIEW_BREAK_GLASS = "review_break_glass", _("Review emergency access")
    VET_REQUEST = "vet_request", _("Vet exam requests")
    SCHEDULE_EXAM = "schedule_exam", _("Book rooms and receive patients")
    RECONCILE = "reconcile", _("Match studies and requests")
    READ_FIGURES = "read_figures", _("See the figures of departments")
    WRITE_REPORT = "write_report", _("Write reports")
    SIGN_REPORT = "sign_report", _("Sign reports")
    ACQUIRE = "acquire", _("Acquire images")
    UPLOAD = "upload", _("Upload images")
    REJECT_IMAGES = "reject_images", _("Reject images")
    CORRECT_IDENTITY = "correct_identity", _("Correct a patient's identity")
    RESOLVE_QUARANTINE = "resolve_quarantine", _("Resolve quarantined objects")
    RETRY_PROCESSING = "retry_processing", _("Retry a failed step")
    MANAGE_FILM = "manage_film", _("Manage the film library")
    MAKE_COLLECTIONS = "make_collections", _("Make collections of studies")
    REVIEW_QUALITY = "review_quality", _("Review image quality")
    LABEL = "label", _("Protect patients and studies")
    READ_AUDIT = "read_audit", _("Read the audit")
    MANAGE_PRIVACY = "manage_privacy", _("Run the privacy desk")
    MANAGE_DEPARTMENT = "manage_department", _("Manage the department's members")
    MANAGE_MACHINES = "manage_machines", _("Manage machines and interfaces")
    MANAGE_PORTAL = "manage_portal", _("Manage the portal's settings")


@dataclass(frozen=True, slots=True)
class Powers:
    """What one role gives in its department; ``clears`` names the labels that keep it from nothing there."""

    rights: frozenset[Right]
    capabilities: frozenset[Capability]
    clears: frozenset[Label] = frozenset()


_READ = frozenset({Right.LIST, Right.VIEW})
_CARE = _READ | {Right.DOWNLOAD, Right.SHARE}
_ALL = frozenset(Right)
_NOTHING: frozenset[Right] = frozenset()
_C = Capability
# Who makes, reads and answers for a department's images must find those of colleagues too: somebody has to
# (docs/decisions/0014). Everything else is cleared by name, on the membership.
_STAFF = frozenset({Label.STAFF})

POWERS: Final[Mapping[Role, Powers]] = MappingProxyType(
    {
        Role.CLINICIAN: Powers(
            _CARE,
            frozenset(
                {
                    _C.REQUEST_EXAM,
                    _C.REQUEST_ACCESS,
                    _C.READ_PRIORS,
                    _C.BREAK_GLASS,
                    _C.UPLOAD,
                    _C.MAKE_COLLECTIONS,
                }
            ),
        ),
        Role.RADIOLOGIST: Powers(
            _ALL,
            frozenset(
                {
                    _C.REQUEST_EXAM,
                    _C.REQUEST_ACCESS,
                    _C.READ_PRIORS,
                    _C.BREAK_GLASS,
                    _C.UPLOAD,
                    _C.MAKE_COLLECTIONS,
                    _C.VET_REQUEST,
                    _C.RECONCILE,
                    _C.READ_FIGURES,
                    _C.WRITE_REPORT,
                    _C.SIGN_REPORT,
                    _C.REJECT_IMAGES,
                    _C.CORRECT_IDENTITY,
                    _C.RETRY_PROCESSING,
                }
            ),
            clears=_STAFF,
        ),
        Role.RADIOGRAPHER: Powers(
            _READ | {Right.DOWNLOAD, Right.WRITE},
            frozenset(
                {
                    _C.REQUEST_ACCESS,
                    _C.READ_PRIORS,
                    _C.ACQUIRE,
                    _C.SCHEDULE_EXAM,
                    _C.RECONCILE,
                    _C.UPLOAD,
                    _C.REJECT_IMAGES,
                    _C.CORRECT_IDENTITY,
                    _C.RESOLVE_QUARANTINE,
                    _C.RETRY_PROCESSING,
                }
            ),
            clears=_STAFF,
        ),
        Role.DEPARTMENT_MANAGER: Powers(
            _ALL,
            frozenset(
                {
                    _C.REQUEST_EXAM,
                    _C.REQUEST_ACCESS,
                    _C.READ_PRIORS,
                    _C.BREAK_GLASS,
                    _C.UPLOAD,
                    _C.MAKE_COLLECTIONS,
                    _C.APPROVE_ACCESS,
                    _C.MANAGE_DEPARTMENT,
                    _C.SCHEDULE_EXAM,
                    _C.READ_FIGURES,
                    _C.LABEL,
                    _C.RESOLVE_QUARANTINE,
                    _C.RETRY_PROCESSING,
                }
            ),
            clears=_STAFF,
        ),
        Role.ARCHIVIST: Powers(
            _READ | {Right.WRITE},
            frozenset({_C.MANAGE_FILM, _C.UPLOAD}),
        ),
        Role.QUALITY_OFFICER: Powers(
            _READ | {Right.DOWNLOAD},
            frozenset({_C.REVIEW_QUALITY, _C.REJECT_IMAGES, _C.RETRY_PROCESSING, _C.READ_FIGURES}),
        ),
        # Knows who looked, and so needs no picture.
        Role.PRIVACY_OFFICER: Powers(
            _NOTHING, frozenset({_C.READ_AUDIT, _C.REVIEW_BREAK_GLASS, _C.MANAGE_PRIVACY, _C.LABEL})
        ),
        Role.INTEGRATOR: Powers(_NOTHING, frozenset({_C.MANAGE_MACHINES, _C.RETRY_PROCESSING})),
        # Runs the portal, and sees nothing clinical by it.
        Role.ADMINISTRATOR: Powers(
            _NOTHING,
            frozenset({_C.MANAGE_PORTAL, _C.MANAGE_DEPARTMENT, _C.MANAGE_MACHINES}),
        ),
        Role.TRAINEE: Powers(
            _READ,
            frozenset({_C.REQUEST_EXAM, _C.REQUEST_ACCESS, _C.READ_PRIORS, _C.WRITE_REPORT}),
        ),
    }
)


def rights_of(role: str) -> frozenset[Right]:
    """Return the rights of a role; a role that is not in the table has none."""
    powers = _powers(role)
    return powers.rights if powers else frozenset()


def capabilities_of(role: str) -> frozenset[Capability]:
    """Return the capabilities of a role; a role that is not in the table has none."""
    powers = _powers(role)
    return powers.capabilities if powers else frozenset()


def cleared_by(role: str, also: Iterable[str] = ()) -> frozenset[str]:
    """Return the labels that a role clears in its department, and those a membership adds; never one nobody is cleared for."""
    powers = _powers(role)
    if powers is None:
        return frozenset()
    return frozenset(powers.clears) | (frozenset(also) & CLEARABLE)


def _powers(role: str) -> Powers | None:
    try:
        return POWERS.get(Role(role))
    except ValueError:
        return None
