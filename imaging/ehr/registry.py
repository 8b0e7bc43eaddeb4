"""Whom a message is about: numbers of issuers that are ours, and the rows of patients that bear them. Raises ``Refused``."""

from datetime import date
from typing import Any, Final

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actor import Actor
from accounts.labels import Label
from imaging.dicom import person_name
from imaging.ehr import identity, selectors
from imaging.ehr.hl7.persons import Identifier, Person
from imaging.ehr.hl7.refusals import Code, Refused
from imaging.ehr.models import Hl7Peer, RegisteredPatient
from imaging.studies import protecting
from imaging.studies.correction.merging import survivor
from imaging.studies.models import Patient
from imaging.studies.rows import columns

PID: Final = "PID^1^3"
#: PS3.5 section 6.2, VR LO.
_LONGEST: Final = 64

#: Issuer and number.
Key = tuple[str, str]


def keys_of(found: tuple[Identifier, ...], peer: Hl7Peer, location: str) -> list[Key]:
    """Issuer and number of every identifier that one of our sites issued, those of the sender's own site first."""
    if not found:
        raise Refused(Code.FIELD_MISSING, location, "There is no identifier.")
    ours = [(site, item.value) for item in found if (site := selectors.issuer_of(item, peer.site)) is not None]
    if not ours:
        raise Refused(Code.UNKNOWN_KEY, location, "No identifier is of an issuer that is known here.")
    ours.sort(key=lambda pair: pair[0].pk != peer.site_id)
    if any(len(value) > _LONGEST for _site, value in ours):
        raise Refused(Code.DATA_TYPE, location, "An identifier is longer than 64 characters.")
    return list(dict.fromkeys((site.issuer_of_patient_id, value) for site, value in ours))


def lock(keys: list[Key]) -> None:
    """Messages about one patient wait for one another, in whatever order the patients are named."""
    names = sorted({f"hl7 patient {issuer} {value}" for issuer, value in keys})
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def known_by(keys: list[Key]) -> Patient | None:
    """Who bears the first number; another number of the same issuer must not be somebody else's."""
    issuer = keys[0][0]
    rows = [row for key in keys if key[0] == issuer and (row := selectors.patient_of(*key)) is not None]
    if len(rows) > 1 and len({survivor(row).pk for row in rows}) > 1:
        raise Refused(Code.DUPLICATE_KEY, PID, "The numbers are those of several patients.")
    return rows[0] if rows else None


def made_for(key: Key, found: Person, actor: Actor) -> Patient:
    """A new row for a number, with what the message says of its bearer."""
    name = found.patient_name or ""
    born = found.birth_date if isinstance(found.birth_date, date) else None
    values = {
        "patient_name": name,
        "name_norm": person_name.normalised(name),
        "birth_date": born,
        "sex": found.sex or "",
    }
    # A registrar may make the same row meanwhile: nobody fails for that.
    row = Patient(issuer_of_patient_id=key[0], patient_id=key[1], **columns.clean(Patient, values))
    Patient.objects.bulk_create([row], ignore_conflicts=True)
    made = Patient.objects.get(issuer_of_patient_id=key[0], patient_id=key[1])
    record(audit.Action.PATIENT_CREATED, made, actor)
    return made


def note_registration(patient: Patient, found: Person, peer: Hl7Peer, actor: Actor) -> None:
    """Keep that the register told of a patient, how sure it is of the identity, and by what other numbers it knows them.

    Who it begins to hide is protected here (FR-1). A person may take the label off, and the register's next message about
    the same patient does not put it on again.
    """
    known = RegisteredPatient.objects.filter(patient=patient).values_list("reliability", flat=True).first()
    codes = [code[:20] for code in found.reliability[:10]]
    values: dict[str, Any] = {"peer": peer, "reliability": codes, "told_at": timezone.now()}
    if found.used_name is not None:
        values["used_name"] = found.used_name
    if found.birth_place is not None:
        values["birth_place"], values["birth_place_code"] = found.birth_place
    if not RegisteredPatient.objects.filter(patient=patient).update(**values):
        RegisteredPatient.objects.create(patient=patient, **values)
    identity.keep(patient, found, peer)
    hidden = sorted(identity.HIDDEN & set(codes) - set(known or ()))
    if hidden:
        reason = _("The register hides this identity (%(code)s).") % {"code": ", ".join(hidden)}
        protecting.protect(patient, Label.PROTECTED, reason=reason, actor=actor)


def record(action: audit.Action, patient: Patient, actor: Actor, **detail: Any) -> None:
    """Put on record what became of a patient."""
    audit.record(
        action,
        actor=actor,
        subject_type="patient",
        subject_uid=str(patient.pk),
        patient_id=patient.patient_id,
        issuer_of_patient_id=patient.issuer_of_patient_id,
        detail=detail,
    )
