"""Keeps the documents of a signed version as instances of its study: through ``ingest``, once, by the system itself."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from accounts import audit
from accounts.actor import SYSTEM
from imaging.dicom.wrapping.facts import DOCUMENT_MODALITY, Place, SeriesFacts
from imaging.ingest import intake
from imaging.ingest import services as ingest
from imaging.ingest.source import Source
from imaging.ingest.wrapping import targets
from imaging.reports.documents import identity
from imaging.reports.documents.content import ReportContent
from imaging.reports.documents.encapsulated import encapsulated
from imaging.reports.documents.identity import DocumentKind
from imaging.reports.documents.structured import structured
from imaging.studies import selectors as studies
from imaging.studies.models import Instance, InstanceVersion, Study

_DOOR: Final = "report"
_MODALITIES: Final = {DocumentKind.ENCAPSULATED: DOCUMENT_MODALITY, DocumentKind.STRUCTURED: "SR"}
#: Ours come after those of a modality, the structured report before the paper of the same words.
_SERIES_NUMBERS: Final = {DocumentKind.STRUCTURED: 9801, DocumentKind.ENCAPSULATED: 9802}


class NotIssued(Exception):
    """The document is not in the archive. ``code``: ``no_study``, ``disk_full``, ``waiting``, ``set_aside`` or ``taken``.

    A job may try again: a document that waits in the spool is found at the next try, and nothing is made twice.
    """

    def __init__(self, code: str) -> None:
        """Keep the code for whoever tells a person."""
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Issued:
    """One document in the archive; ``is_new`` when it was not there before."""

    kind: DocumentKind
    instance: Instance
    is_new: bool


def issue_pdf(content: ReportContent, pdf: bytes, *, study: Study) -> Issued:
    """Keep the PDF of a version as an Encapsulated PDF of ``study``. Raises ``NotIssued``."""
    return _issue(content, study, DocumentKind.ENCAPSULATED, lambda place: encapsulated(content, pdf, place))


def issue_structured(content: ReportContent, *, study: Study) -> Issued:
    """Keep a version as a structured report of ``study``. Raises ``NotIssued``."""
    return _issue(content, study, DocumentKind.STRUCTURED, lambda place: structured(content, place))


def _issue(content: ReportContent, study: Study, kind: DocumentKind, make: Callable[[Place], bytes]) -> Issued:
    """Made of the study as it is now; what is there already, under whatever name its patient had then, stays as it is."""
    department_ids = _departments(study)
    uid = identity.instance_uid(content.report_key, content.number, kind)
    if known := _instance(uid):
        return Issued(kind, known, is_new=False)
    place = _place(content, study, kind, uid, department_ids)
    outcome = _keep(make(place), department_ids)
    kept = _instance(uid)
    if kept is None:
        raise NotIssued("waiting" if outcome is intake.Outcome.WAITING else "set_aside")
    if outcome is intake.Outcome.NEW:
        _record(content, place, kind)
    return Issued(kind, kept, is_new=outcome is intake.Outcome.NEW)


def _departments(study: Study) -> frozenset[int]:
    known = studies.known_studies([study.study_instance_uid]).get(study.study_instance_uid)
    if known is None:
        raise NotIssued("no_study")
    return known.department_ids


def _instance(sop_instance_uid: str) -> Instance | None:
    """The document, if it was issued, in whichever study it lies since. Raises ``NotIssued`` for somebody else's under its UID."""
    found = InstanceVersion.objects.filter(
        instance__sop_instance_uid=sop_instance_uid, state=InstanceVersion.State.CURRENT
    ).select_related("instance")
    version = found.first()
    if version is None:
        return None
    if version.door != _DOOR:
        raise NotIssued("taken")
    return version.instance


def _place(
    content: ReportContent, study: Study, kind: DocumentKind, sop_instance_uid: str, department_ids: frozenset[int]
) -> Place:
    """The archive's present patient and study; made at the moment of the signature, so that the bytes are the same each time."""
    target = targets.into(study, zone=targets.zone_of(department_ids))
    series = SeriesFacts(
        series_instance_uid=identity.series_uid(content.report_key, study.study_instance_uid, kind),
        series_number=_SERIES_NUMBERS[kind],
        modality=_MODALITIES[kind],
        description=content.title[:64],
    )
    return Place(
        patient=target.patient,
        study=target.study,
        series=series,
        sop_instance_uid=sop_instance_uid,
        instance_number=content.number,
        made_at=content.signed_at,
    )


def _keep(file: bytes, department_ids: frozenset[int]) -> intake.Outcome:
    """Durable, then registered. The system adds to this study in the name of the departments that have it."""
    source = Source(
        door=_DOOR,
        sender=SYSTEM.name,
        actor_kind=SYSTEM.kind,
        actor_id=SYSTEM.id,
        department_ids=tuple(sorted(department_ids)),
        identity_decided=True,
    )
    try:
        held = ingest.hold(io.BytesIO(file), source=source)
    except ingest.SpoolFull as error:
        raise NotIssued("disk_full") from error
    except (ingest.SpoolError, ingest.Refused) as error:
        raise NotIssued("set_aside") from error
    (result,) = intake.register([held])
    return result.outcome


def _record(content: ReportContent, place: Place, kind: DocumentKind) -> None:
    audit.record(
        audit.Action.FILE_WRAPPED,
        actor=SYSTEM,
        subject_type="study",
        subject_uid=place.study.study_instance_uid,
        patient_id=place.patient.patient_id,
        issuer_of_patient_id=place.patient.issuer_of_patient_id,
        detail={
            "sop_instance_uid": place.sop_instance_uid,
            "document": kind.value,
            "report": str(content.report_key),
            "version": content.number,
            "sha256": content.digest,
        },
    )
