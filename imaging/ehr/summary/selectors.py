"""What the record tells of a patient, for who treats them: asked anew after two minutes, and shown with its age while it is away.

What was told is kept sealed, in the cache of all processes, for some hours at most; nothing of it goes into the database.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.federation import kept
from accounts.scope import Scope
from accounts.signing_in import sealing
from imaging.ehr import identity
from imaging.ehr.models import HealthRecord, RegisteredPatient
from imaging.ehr.records import selectors as records
from imaging.ehr.records.client import Unavailable
from imaging.ehr.summary import reading
from imaging.fhir.summaries import NOTHING, Summary, summary
from imaging.orders.models import ExamRequest
from imaging.studies import priors
from imaging.studies.models import Patient, Study

logger = logging.getLogger(__name__)

_FRESH: Final = dt.timedelta(minutes=2)
_KEPT_SECONDS: Final = 4 * 3600
#: A record that did not answer is not asked again for so long: each question may take all our patience.
_AWAY_SECONDS: Final = 20
#: More than this of one patient is asked for anew each time.
_MOST_OCTETS: Final = 2 << 20


class Standing(StrEnum):
    """How far what is shown can be relied on."""

    SHOWN = "shown"
    #: The record does not answer; what it told before is shown with its age.
    OLD = "old"
    AWAY = "away"
    NOBODY = "nobody"
    SOMEBODY_ELSE = "somebody-else"


@dataclass(frozen=True, slots=True)
class Told:
    """What a record tells: by which, when, what of it is missing, and why where it did not answer."""

    record: HealthRecord
    standing: Standing
    at: dt.datetime | None = None
    summary: Summary = NOTHING
    missing: tuple[str, ...] = ()
    problem: str = ""

    @property
    def has_summary(self) -> bool:
        """Whether there is something to show."""
        return self.standing in {Standing.SHOWN, Standing.OLD}


def offered(study: Study, scope: Scope) -> HealthRecord | None:
    """The record to ask about the patient of a study: for who treats them, never of a copy or of a hidden identity (FR-1)."""
    patient = study.patient
    if study.is_copy or not patient.patient_id or not patient.issuer_of_patient_id:
        return None
    record = records.record_read_for(patient.issuer_of_patient_id)
    if record is None or not priors.treats(study, scope) or _is_hidden(patient):
        return None
    return record


def offered_for_request(exam: ExamRequest, scope: Scope) -> HealthRecord | None:
    """The record to ask about the patient of a request: for who asks for the exam, or does it, in care of the patient."""
    patient = exam.patient
    theirs = {exam.requesting_department_id, exam.performing_department_id} & set(scope.care_departments())
    if patient is None or not patient.issuer_of_patient_id or not theirs or _is_hidden(patient):
        return None
    return records.record_read_for(patient.issuer_of_patient_id)


def told_on(
    subject: Study | ExamRequest, patient: Patient, record: HealthRecord, *, actor: Actor, afresh: bool = False
) -> Told:
    """What the record tells of a patient, beside a study or request, with the reading on record.

    ``afresh`` asks it, whatever is kept.
    """
    kind, uid = (
        ("study", subject.study_instance_uid) if isinstance(subject, Study) else ("exam_request", str(subject.key))
    )
    audit.record_read(
        audit.Action.RECORD_READ,
        actor=actor,
        subject_type=kind,
        subject_uid=uid,
        patient_id=patient.patient_id,
        issuer_of_patient_id=patient.issuer_of_patient_id,
        detail={"record": record.slug},
    )
    return told(record, patient, afresh=afresh)


def told(record: HealthRecord, patient: Patient, *, afresh: bool = False) -> Told:
    """What a record tells of a patient of its site."""
    name = _name(record, patient)
    known = _known(name)
    if known is not None and not afresh and timezone.now() - known[0] < _FRESH:
        return _as_told(record, Standing.SHOWN, known)
    away = f"ehr:summary:{record.pk}:away"
    code = None if afresh else kept.get(away)
    if code is None:
        try:
            found = reading.read(record, patient.patient_id, patient.birth_date)
        except reading.NobodyThere:
            return Told(record, Standing.NOBODY)
        except reading.SomebodyElse:
            return Told(record, Standing.SOMEBODY_ELSE)
        except Unavailable as error:
            logger.warning("A health record does not answer: %s (%s).", record.slug, error.code)
            code = error.code
            kept.put(away, code, _AWAY_SECONDS)
        else:
            fresh = (timezone.now(), {"resources": found.resources, "missing": found.missing})
            _keep(name, fresh)
            return _as_told(record, Standing.SHOWN, fresh)
    if known is not None:
        return _as_told(record, Standing.OLD, known, problem=str(code))
    return Told(record, Standing.AWAY, problem=str(code))


Known = tuple[dt.datetime, dict[str, Any]]


def _as_told(record: HealthRecord, standing: Standing, known: Known, *, problem: str = "") -> Told:
    at, found = known
    return Told(record, standing, at, summary(found["resources"]), tuple(found["missing"]), problem)


def _is_hidden(patient: Patient) -> bool:
    codes = RegisteredPatient.objects.filter(patient=patient).values_list("reliability", flat=True).first()
    return bool(identity.HIDDEN & set(codes or ()))


def _name(record: HealthRecord, patient: Patient) -> str:
    """The name in the cache: another after every change of the record's row, and for every number and birth date."""
    facts = f"{patient.pk}|{patient.issuer_of_patient_id}|{patient.patient_id}|{patient.birth_date}"
    digest = hashlib.sha256(facts.encode()).hexdigest()[:32]
    return f"ehr:summary:{record.pk}:{record.changed_at.timestamp()}:{digest}"


def _known(name: str) -> Known | None:
    sealed = kept.get(name)
    if not isinstance(sealed, str):
        return None
    try:
        found = orjson.loads(sealing.opened(sealed))
    except (sealing.Unreadable, ValueError):
        return None
    return dt.datetime.fromisoformat(found.pop("at")), found


def _keep(name: str, known: Known) -> None:
    at, found = known
    octets = orjson.dumps({"at": at.isoformat(), **found})
    if len(octets) <= _MOST_OCTETS:
        kept.put(name, sealing.seal(octets.decode()), _KEPT_SECONDS)
