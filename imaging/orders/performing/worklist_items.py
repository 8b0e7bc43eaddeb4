"""One booked step as an item of the modality worklist (PS3.4 table K.6-1): DICOM JSON with every attribute that we can tell.

Dates and times are of the current time zone; texts are cut to the length of their value representation.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.utils import timezone
from pydicom import datadict

from imaging.dicom import json_values
from imaging.orders.catalogue import questions
from imaging.orders.models import Contrast, ExamRequest, Procedure, ScheduledStep
from imaging.orders.performing.worklist_keys import PRIORITIES, STATUSES
from imaging.studies.correction.merging import survivor
from imaging.studies.models import Patient, PatientMerge

Item = dict[str, dict[str, Any]]

#: Coding scheme of the hospital's own procedures; those that are nobody else's begin with 99 (PS3.3 section 8.2).
LOCAL_SCHEME: Final = "99NEGATOSCOPE"
_LONG: Final = 64
_SHORT: Final = 16
_TEXT: Final = 2000
#: Pregnancy Status (0010,21C0) by what was answered to whether a pregnancy is possible.
_PREGNANCY: Final = {questions.NO: 1, questions.YES: 2, questions.UNKNOWN: 4}
_PREGNANCY_QUESTIONS: Final = ("pregnancy", "pregnancy-mr")
_ALLERGY: Final = "allergy"
_NOT_LINE: Final = re.compile(r"[\s\x00-\x1f\x7f]+")
_NOT_TEXT: Final = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")


class Items:
    """The items of some steps, which are fetched with their room, request, patient and procedure."""

    def __init__(self, steps: Sequence[ScheduledStep]) -> None:
        """Look up at once who of the patients was merged into another."""
        self._steps = steps
        patients = {step.request.patient_id for step in steps if step.request.patient_id is not None}
        merged = PatientMerge.objects.in_force().filter(merged__in=patients)
        self._merged = frozenset(merged.values_list("merged_id", flat=True))

    def all(self) -> list[Item]:
        """One item for each step, in order."""
        return [self._item(step) for step in self._steps]

    def _item(self, step: ScheduledStep) -> Item:
        request = step.request
        patient = request.patient
        if patient is not None and patient.pk in self._merged:
            patient = survivor(patient)
        values = {
            **_of_patient(request, patient),
            **_of_request(step, request),
            "TimezoneOffsetFromUTC": timezone.localtime(step.starts_at).strftime("%z"),
            "ScheduledProcedureStepSequence": [_elements(_of_step(step, request))],
        }
        return _elements(values)


def _of_patient(request: ExamRequest, patient: Patient | None) -> dict[str, Any]:
    """Who is to be examined, as the index knows them or as they were typed, and what to mind."""
    born = patient.birth_date if patient else request.typed_birth_date
    answers = request.safety if isinstance(request.safety, dict) else {}
    return {
        "PatientName": patient.patient_name if patient else request.typed_name,
        "PatientID": patient.patient_id if patient else request.typed_patient_id,
        "IssuerOfPatientID": patient.issuer_of_patient_id if patient else request.typed_issuer,
        "PatientBirthDate": born.strftime("%Y%m%d").zfill(8) if born else "",
        "PatientSex": patient.sex if patient else request.typed_sex,
        "PatientWeight": float(request.weight_kg) if request.weight_kg is not None else "",
        "PregnancyStatus": _pregnancy(answers),
        "Allergies": _allergies(answers),
        "MedicalAlerts": _alerts(answers),
        "SpecialNeeds": _line(request.precautions),
        "PatientTransportArrangements": _line(request.get_transport_display() if request.transport else ""),
    }


def _of_request(step: ScheduledStep, request: ExamRequest) -> dict[str, Any]:
    """What was asked for, by whom, and under which numbers."""
    procedure, asked = request.procedure, request.requested_at
    name = _requester(request)
    local = timezone.localtime(asked) if asked else None
    return {
        "StudyInstanceUID": request.study_instance_uid or f"2.25.{request.key.int}",
        "AccessionNumber": request.accession_number,
        "IssuerOfAccessionNumberSequence": _issuer(request.issuer_of_accession_number),
        "RequestedProcedureID": request.requested_procedure_id or request.accession_number or step.step_id,
        "RequestedProcedureDescription": _described(request),
        "RequestedProcedureCodeSequence": _codes(procedure)[:1],
        "RequestedProcedurePriority": PRIORITIES.get(request.priority, ""),
        "RequestedProcedureComments": _text(request.clinical_question),
        "ReasonForTheRequestedProcedure": _line(request.clinical_question),
        "ReferringPhysicianName": name,
        "RequestingPhysician": name,
        "RequestingService": _line(str(request.requesting_department or "")),
        "CurrentPatientLocation": _line(str(request.requesting_department or "")),
        "InstitutionName": _line(step.room.department.site.name),
        "OrderCallbackPhoneNumber": _line(request.contact, _SHORT),
        "PlacerOrderNumberImagingServiceRequest": request.placer_order_number,
        "FillerOrderNumberImagingServiceRequest": request.filler_order_number,
        "IssueDateOfImagingServiceRequest": local.strftime("%Y%m%d") if local else "",
        "IssueTimeOfImagingServiceRequest": _time(local) if local else "",
    }


def _of_step(step: ScheduledStep, request: ExamRequest) -> dict[str, Any]:
    """Where and when, and how it is to be made."""
    room = step.room
    starts, ends = timezone.localtime(step.starts_at), timezone.localtime(step.ends_at)
    station = step.station_ae_title or (room.station.ae_title if room.station else "")
    procedure = request.procedure
    has_contrast = procedure is not None and procedure.contrast != Contrast.NONE
    return {
        "ScheduledStationAETitle": station,
        "ScheduledProcedureStepStartDate": starts.strftime("%Y%m%d"),
        "ScheduledProcedureStepStartTime": _time(starts),
        "ScheduledProcedureStepEndDate": ends.strftime("%Y%m%d"),
        "ScheduledProcedureStepEndTime": _time(ends),
        "Modality": step.modality,
        "ScheduledPerformingPhysicianName": step.performing_physician_name,
        "ScheduledProcedureStepDescription": _described(request),
        "ScheduledProtocolCodeSequence": _codes(request.procedure),
        "ScheduledProcedureStepID": step.step_id,
        "ScheduledStationName": _line(room.station_name or room.code, _SHORT),
        "ScheduledProcedureStepLocation": _line(room.name, _SHORT),
        "ScheduledProcedureStepStatus": STATUSES.get(step.status, ""),
        "CommentsOnTheScheduledProcedureStep": _text("\n".join(filter(None, (step.note, request.protocol)))),
        "RequestedContrastAgent": _line(procedure.get_contrast_display()) if procedure and has_contrast else "",
    }


def _requester(request: ExamRequest) -> str:
    """Who asks, as a person name of one component: nobody has told which of its words is the family's."""
    who = request.requester
    return (who.get_full_name() or who.get_username()) if who is not None else request.requester_name


def _described(request: ExamRequest) -> str:
    name = request.procedure.label if request.procedure else ""
    side = request.get_laterality_display() if request.laterality else ""
    return _line(f"{name}, {side}" if name and side else name or side)


def _codes(procedure: Procedure | None) -> list[Item]:
    """The code of the catalogue first, then those of other schemes (PS3.16 section 8)."""
    if procedure is None:
        return []
    known = ((procedure.code, LOCAL_SCHEME), (procedure.loinc, "LN"), (procedure.radlex, "RADLEX"))
    return [
        _elements({"CodeValue": code[:_SHORT], "CodingSchemeDesignator": scheme, "CodeMeaning": _line(procedure.label)})
        for code, scheme in known
        if code
    ]


def _issuer(name: str) -> list[Item]:
    return [_elements({"LocalNamespaceEntityID": name})] if name else []


def _pregnancy(answers: dict[str, Any]) -> int | str:
    for code in _PREGNANCY_QUESTIONS:
        answer = answers.get(code)
        if isinstance(answer, dict) and answer.get("answer") in _PREGNANCY:
            return _PREGNANCY[answer["answer"]]
    return ""


def _allergies(answers: dict[str, Any]) -> list[str]:
    """Reactions that were told of, in the words of who told, or of the question."""
    found = []
    for code, answer in answers.items():
        if _ALLERGY in code and isinstance(answer, dict) and answer.get("answer") == questions.YES:
            found.append(_line(str(answer.get("more") or "") or str(answer.get("text") or code)))
    return found


def _alerts(answers: dict[str, Any]) -> list[str]:
    """Every other answer that alarms."""
    lines = questions.answered(answers)
    return [
        _line(f"{line.text} {line.answer}{': ' if line.more else ''}{line.more}")
        for line in lines
        if line.is_alarming and _ALLERGY not in line.code and line.code not in _PREGNANCY_QUESTIONS
    ][:8]


def _line(text: str, most: int = _LONG) -> str:
    """One line of text as VR LO and SH take it: no line breaks, and no backslash, which would part it into two values."""
    return _NOT_LINE.sub(" ", text).replace("\\", "/").strip()[:most].rstrip()


def _text(text: str) -> str:
    return _NOT_TEXT.sub("", text.replace("\r\n", "\n")).strip()[:_TEXT]


def _time(at: datetime) -> str:
    return at.strftime("%H%M%S")


def _elements(values: dict[str, Any]) -> Item:
    return dict(_element(keyword, value) for keyword, value in values.items())


def _element(keyword: str, value: Any) -> tuple[str, dict[str, Any]]:
    """Eight digits and JSON element; what is not known is there and empty."""
    tag = int(datadict.tag_for_keyword(keyword) or 0)
    name = datadict.dictionary_VR(tag)
    values: Iterable[Any] = value if isinstance(value, list) else [value]
    if name == "PN":
        values = [json_values.name(str(text).replace("\\", "/")) for text in values if text]
    kept = [one for one in values if one not in ("", None)]
    return f"{tag:08X}", {"vr": name, "Value": kept} if kept else {"vr": name}
