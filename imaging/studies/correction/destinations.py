"""Where images are moved to: a study that exists or a new one, and what its objects say alike."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from imaging.dicom import correctable, corrections, uids
from imaging.dicom.correctable import CorrectionInvalid
from imaging.studies.models import GRANTED, InstanceVersion, Patient, Placement, Study
from imaging.studies.reading import metadata
from imaging.studies.rows import granting, locks, placement
from imaging.studies.rows.incoming import PlannedPlacement

#: What the objects of one study say alike, beside whose it is (PS3.3 C.7.2.1).
_OF_STUDY: Final = ("00080020", "00080030", "00080050", "00080090", "00081030", "00200010", "00080201")
#: Columns of a study that a new one has from the study out of which it is split, until its own headers are read.
_COPIED: Final = (
    *("accession_number", "study_id", "study_at", "study_time_known", "description", "description_norm"),
    *("referring_physician_name", "referring_norm", "institutional_department_name", "body_part_examined"),
    *("source", "sensitivity", "first_received_at", "last_received_at"),
)


class ChangedMeanwhile(Exception):
    """Somebody else, or a machine, has changed a study since it was looked at: nothing was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where to: a study that exists, or a new one, of the same patient or of another (who has a number)."""

    study: Study | None = None
    patient: Patient | None = None
    accession_number: str = ""
    description: str = ""


def reached(source: Study, known: Study | None, to: Destination) -> tuple[Study, dict[str, Any]]:
    """The study that the images reach, made where it is new, and what its objects say alike."""
    if known is not None:
        record = _shown_record(known)
        if record is None:
            raise ChangedMeanwhile
        uid = known.study_instance_uid
        return known, {**valid(record, (*correctable.IDENTITY, *_OF_STUDY)), **uid_of(correctable.STUDY_UID, uid)}
    patient = to.patient or source.patient
    locks.patients({source.patient_id, patient.pk})
    values = {name: getattr(source, name) for name in _COPIED}
    made = Study.objects.create(study_instance_uid=uids.new_uid(), patient=patient, **values)
    plans = Placement.objects.live().filter(study=source).exclude(kind__in=GRANTED)
    placement.place(
        {made: [PlannedPlacement(row.department_id, row.kind, row.reason_code, row.reason_detail) for row in plans]}
    )
    granting.refresh([made.pk])
    attributes: dict[str, Any] = uid_of(correctable.STUDY_UID, made.study_instance_uid)
    if to.patient is not None and to.patient.pk != source.patient_id:
        attributes |= corrections.normalised(identity_of(to.patient))
    if to.accession_number:
        attributes |= corrections.normalised({"00080050": {"vr": "SH", "Value": [to.accession_number]}})
    if to.description:
        attributes |= corrections.normalised({"00081030": {"vr": "LO", "Value": [to.description]}})
    return made, attributes


def identity_of(patient: Patient) -> dict[str, Any]:
    """Who a patient is, as a DICOM JSON object; what is not known is emptied."""
    born = patient.birth_date.strftime("%Y%m%d") if patient.birth_date else ""
    values = (patient.patient_name, patient.patient_id, patient.issuer_of_patient_id, born, patient.sex)
    found = {}
    for tag, vr, value in zip(correctable.IDENTITY, ("PN", "LO", "LO", "DA", "CS"), values, strict=True):
        found[tag] = {"vr": vr, "Value": [value]} if value else {"vr": vr}
    return found


def uid_of(tag: str, value: str) -> dict[str, Any]:
    """One UID as a DICOM JSON object."""
    return {tag: {"vr": "UI", "Value": [value]}}


def _shown_record(study: Study) -> dict[str, Any] | None:
    """The header of an object of the study as it goes out."""
    rows = InstanceVersion.objects.current().filter(instance__study=study, instance__is_rejected=False)
    version = rows.select_related("instance__series__study", "stored_object").order_by("pk").first()
    return metadata.instance_record(version) if version is not None else None


def valid(record: Mapping[str, Any], tags: Iterable[str]) -> dict[str, Any]:
    """These attributes of a header, empty where absent; one that nobody may write is left as each object has it."""
    found: dict[str, Any] = {}
    for tag in tags:
        element = record.get(tag, {})
        try:
            found |= corrections.normalised({tag: element or {}})
        except CorrectionInvalid:
            continue
    return found
