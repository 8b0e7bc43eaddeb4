"""The segments that our messages share: who sends, whom it is about, which order, what stands where (HL7 v2.5.1 chapters 2, 3, 4, 7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.conf import settings
from django.urls import reverse

from imaging.dicom import person_name
from imaging.ehr import identity
from imaging.ehr.hl7 import writing
from imaging.ehr.hl7.writing import Field
from imaging.ehr.models import Hl7Destination, RegisteredPatient
from imaging.orders.models import ExamRequest
from imaging.studies.models import Patient, Study

RESULT: Final = ("ORU", "R01", "ORU_R01")
ORDER: Final = ("ORM", "O01", "ORM_O01")
#: OBX-3 of what is no text: PS3.16 CID 29 has none for these; DCM 113014 is the one that IHE's and the French profiles name.
STUDY_UID: Final[Field] = ("113014", "DICOM Study", "DCM")
_VIEWER: Final[Field] = ("viewer", "Images in the viewer", "L")
#: OBR-24 (table 0074); what is not here is radiology.
_SECTIONS: Final = {"CT": "CT", "NM": "NMS", "PT": "NMS", "MR": "NMR", "US": "RUS", "XA": "XRC", "RF": "XRC"}


def header(destination: Hl7Destination, kind: tuple[str, str, str], control_id: str, at: datetime) -> str:
    """MSH; ``at`` is when the message was written."""
    return writing.header(
        sender=(destination.sending_application, destination.sending_facility),
        receiver=(destination.receiving_application, destination.receiving_facility),
        at=at.astimezone(destination.site.zone),
        kind=kind,
        control_id=control_id,
        processing=destination.processing,
        charset=destination.character_set,
    )


def patient(person: Patient, destination: Hl7Destination) -> str:
    """PID: the numbers with their issuers, ours first; the legal name and the one in use, birth date, sex, how sure all this is."""
    own = _number(person.patient_id, person.issuer_of_patient_id, destination.site.issuer_oid, "PI")
    others = [_number(row.value, row.namespace, row.universal_id, row.type_code) for row in identity.current(person)]
    known = RegisteredPatient.objects.filter(patient=person).first()
    names: list[Field] = [(*writing.name(person.patient_name), "", "L")]
    if known and known.used_name:
        names.append((*writing.name(known.used_name), "", "D"))
    return writing.segment(
        "PID",
        {
            1: "1",
            3: [own, *others],
            5: names,
            7: writing.day(person.birth_date),
            8: person.sex,
            32: list(known.reliability) if known else "",
        },
    )


def _number(value: str, namespace: str, oid: str, type_code: str) -> Field:
    issuer = (namespace, oid, "ISO") if oid else (namespace,)
    return (value, "", "", issuer, type_code)


def order(
    request: ExamRequest | None, study: Study | None, *, control: str, status: str, fields: Mapping[int, Field]
) -> str:
    """ORC; ``fields`` are those that one kind of message has alone."""
    return writing.segment(
        "ORC",
        {
            1: control,
            2: request.placer_order_number if request else "",
            3: filler(request, study),
            5: status,
            12: requester(request, study),
            17: _organisation(request),
            **fields,
        },
    )


def exam(
    destination: Hl7Destination,
    request: ExamRequest | None,
    study: Study | None,
    *,
    number: int,
    fields: Mapping[int, Field],
) -> str:
    """OBR: what was asked for, or (images without a request) what they call themselves."""
    modality = _modality(request, study)
    return writing.segment(
        "OBR",
        {
            1: str(number),
            2: request.placer_order_number if request else "",
            3: filler(request, study),
            4: _procedure(request, study),
            7: _observed(study, destination),
            16: requester(request, study),
            18: (study.accession_number if study else "") or (request.accession_number if request else ""),
            19: request.requested_procedure_id if request else "",
            24: _SECTIONS.get(modality, "RAD"),
            31: ("", _line(request.clinical_question)) if request and request.clinical_question else "",
            **fields,
        },
    )


def images(study: Study, *, first: int, status: str) -> list[str]:
    """OBX of the study's UID and of the address at which its images are seen; numbered from ``first``."""
    address = f"{settings.PUBLIC_URL}{reverse('viewer:study', args=[study.study_instance_uid])}"
    return [
        observation(first, "HD", STUDY_UID, study.study_instance_uid, status=status),
        # The address is no text with separators of its own to keep: a viewer of ours has none in its path.
        observation(first + 1, "RP", _VIEWER, (address, "NEGATOSCOPE", "Application", "HTML"), status=status),
    ]


def observation(number: int, kind: str, what: Field, value: Field = "", *, ready: str = "", status: str) -> str:
    """OBX; ``ready`` is a value that is written already."""
    given: Mapping[int, str] = {5: ready} if ready else {}
    return writing.segment("OBX", {1: str(number), 2: kind, 3: what, 5: value, 11: status}, ready=given)


def filler(request: ExamRequest | None, study: Study | None) -> str:
    """Our number of an order: the one that it came with, else its accession number; of images without either their UID."""
    if request and (known := request.filler_order_number or request.accession_number):
        return known
    return (study.accession_number or study.study_instance_uid) if study else ""


def requester(request: ExamRequest | None, study: Study | None) -> Field:
    """Who asked, as XCN."""
    if request and request.requester:
        return ("", request.requester.last_name or request.requester.get_username(), request.requester.first_name)
    if request and request.requester_name:
        return ("", person_name.display(request.requester_name))
    if study and study.referring_physician_name:
        return ("", *writing.name(study.referring_physician_name))
    return ""


def _organisation(request: ExamRequest | None) -> Field:
    place = request.requesting_department if request else None
    return (place.code, place.name) if place else ""


def _procedure(request: ExamRequest | None, study: Study | None) -> Field:
    """The catalogue's code, with its LOINC beside it where it has one."""
    procedure = request.procedure if request else None
    if procedure is not None:
        other = (procedure.loinc, procedure.name, "LN") if procedure.loinc else ()
        return (procedure.code, procedure.name, "L", *other)
    title = (study.description if study else "") or "\\".join(study.modalities if study else []) or "imaging"
    return (_modality(request, study), title, "L")


def _modality(request: ExamRequest | None, study: Study | None) -> str:
    if request and request.procedure:
        return request.procedure.modality
    return study.modalities[0] if study and study.modalities else ""


def _observed(study: Study | None, destination: Hl7Destination) -> str:
    """When the images were made; the day alone where no hour is known."""
    if study is None:
        return ""
    at = study.study_at.astimezone(destination.site.zone)
    return writing.moment(at) if study.study_time_known else writing.day(at)


def _line(text: str) -> str:
    return " ".join(text.split())[:200]
