"""AuditEvent: who did what, for auditors (FH-5; IHE ITI-81, in the shape of BALP). That they asked is on record too."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, TypeVar

from accounts import audit, selectors
from accounts.audit import dicom_codes
from accounts.audit import selectors as events
from accounts.audit.formats import fhir
from accounts.audit.selectors import Asked
from accounts.audit.snooping import PatientKey
from accounts.roles import Capability
from imaging.ehr.fhir import ids, patients, places
from imaging.ehr.fhir.kinds import ID, Asking, Kind, Page, Wanted
from imaging.ehr.fhir.outcomes import Refused
from imaging.ehr.fhir.parameters import Criteria, Parameter, Type
from imaging.fhir.values import DCM, Resource
from imaging.studies.models import Patient

_OUTCOMES: Final = "http://terminology.hl7.org/CodeSystem/audit-event-outcome"
_ACTIONS: Final = "http://hl7.org/fhir/audit-event-action"


class AuditEvents(Kind):
    """The audit."""

    name = "AuditEvent"
    about = "The audit, for people who may read it. Where one fits, in the shape of IHE's Basic Audit Log Patterns."
    parameters = (
        ID,
        Parameter("date", Type.DATE, "When it happened"),
        Parameter("patient", Type.REFERENCE, "About whom", target="Patient"),
        Parameter("patient.identifier", Type.TOKEN, "A number of the patient"),
        Parameter("agent-name", Type.STRING, "Beginning of the name of who did it"),
        Parameter("altid", Type.TOKEN, "The portal's id of who did it"),
        Parameter("address", Type.STRING, "From which network address"),
        Parameter("type", Type.TOKEN, "Kind of event, a code of DICOM (CID 400)"),
        Parameter("action", Type.TOKEN, "C, R, U, D or E"),
        Parameter("outcome", Type.TOKEN, "0, 4 or 8"),
    )

    def read(self, asking: Asking, key: str) -> Resource | None:
        """One event."""
        _may_read(asking)
        event = events.events(Asked(ids=ids.uuids([key]))).first()
        if event is None:
            return None
        _record(asking, {"_id": [key]})
        return fhir.resource(event)

    def search(self, asking: Asking, wanted: Wanted) -> Page:
        """The last first."""
        rows = events.events(_asked(asking, wanted.criteria))
        _record(asking, {name: list(groups) for name, groups in wanted.criteria.given.items()})
        return places.latest_first(
            rows, wanted, show=lambda found: [fhir.resource(event) for event in found], number="number"
        )

    def count(self, asking: Asking, criteria: Criteria) -> int:
        """How many there are."""
        return events.events(_asked(asking, criteria)).count()

    def several(self, asking: Asking, keys: Collection[str]) -> list[Resource]:
        """None: nothing refers to them."""
        return []


def _may_read(asking: Asking) -> None:
    if not selectors.is_capable(asking.user, Capability.READ_AUDIT):
        raise Refused(403)


def _record(asking: Asking, asked: dict[str, list[object]]) -> None:
    audit.record(
        audit.Action.AUDIT_READ, actor=asking.actor, subject_type="audit", subject_uid="fhir", detail={"asked": asked}
    )


def _asked(asking: Asking, asked: Criteria) -> Asked:
    _may_read(asking)
    span = asked.span("date")
    names = asked.strings("agent-name")
    return Asked(
        since=span.since,
        until=span.until,
        ids=_common(ids.uuids(group) for group in asked.strings("_id")),
        patients=_people(asked),
        actors=_common(asked.codes("altid", system="")),
        actor_names=names[0] if names else (),
        addresses=_common(asked.strings("address")),
        actions=_actions(asked),
        outcomes=_common(
            [outcome for outcome, code in fhir.OUTCOMES.items() if code in group]
            for group in asked.codes("outcome", system=_OUTCOMES)
        ),
    )


ItemT = TypeVar("ItemT")


def _common(groups: Iterable[Iterable[ItemT]]) -> set[ItemT] | None:
    """What all groups have; None without any."""
    sets = [set(group) for group in groups]
    return set.intersection(*sets) if sets else None


def _people(asked: Criteria) -> list[PatientKey] | None:
    known = patients.meant(asked)
    if known is None:
        return None
    rows = Patient.objects.filter(pk__in=known).exclude(patient_id="")
    return [PatientKey(*found) for found in rows.values_list("patient_id", "issuer_of_patient_id")]


def _actions(asked: Criteria) -> set[str] | None:
    kinds = [
        [action.value for action, told in dicom_codes.CODES.items() if told.event.value in group]
        for group in asked.codes("type", system=DCM)
    ]
    letters = [
        [action.value for action, told in dicom_codes.CODES.items() if told.action in group]
        for group in asked.codes("action", system=_ACTIONS)
    ]
    return _common([*kinds, *letters])
