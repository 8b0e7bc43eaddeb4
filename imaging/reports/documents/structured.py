"""A report as a DICOM structured report: TID 2000 "Basic Diagnostic Imaging Report" (PS3.16).

Basic Text SR (PS3.3 A.35.1) holds text and references to images, and every archive and viewer reads it: it is taken where there
is no number. Numbers need Enhanced SR (A.35.2). Comprehensive SR (A.35.3) adds references between items, which no report of
ours has.
"""

from __future__ import annotations

import io
from typing import Final

from pydicom.dataset import Dataset

from imaging.dicom.wrapping import modules
from imaging.dicom.wrapping.facts import Place
from imaging.dicom.wrapping.modules import put
from imaging.dicom.wrapping.writing import write_dataset_file
from imaging.reports.documents.content import ImageReference, Kind, Person, ReportContent
from imaging.reports.documents.content_items import tree
from imaging.reports.documents.identity import DocumentKind, instance_uid

BASIC_TEXT_SR: Final = "1.2.840.10008.5.1.4.1.1.88.11"
ENHANCED_SR: Final = "1.2.840.10008.5.1.4.1.1.88.22"


def sop_class(content: ReportContent) -> str:
    """Which storage class the report needs."""
    return ENHANCED_SR if content.measurements else BASIC_TEXT_SR


def structured(content: ReportContent, place: Place) -> bytes:
    """The DICOM file: ``place`` says which patient, study and series it is of."""
    made = modules.common(place, sop_class_uid=sop_class(content))
    # Of what has no pixels (C.12.1 has it nowhere for reports).
    del made.BurnedInAnnotation
    put(made, "ReferencedPerformedProcedureStepSequence", [])
    _general(made, content)
    _request(made, content)
    _evidence(made, content)
    _predecessors(made, content)
    made.update(tree(content))
    out = io.BytesIO()
    write_dataset_file(out, made)
    return out.getvalue()


def _general(made: Dataset, content: ReportContent) -> None:
    """SR Document General module (C.17.2). A preliminary report is complete for what it is, and says that it is not final."""
    is_preliminary = content.kind is Kind.PRELIMINARY
    put(made, "PreliminaryFlag", "PRELIMINARY" if is_preliminary else "FINAL")
    put(made, "CompletionFlag", "PARTIAL" if is_preliminary else "COMPLETE")
    put(made, "VerificationFlag", "VERIFIED" if content.is_verified else "UNVERIFIED")
    put(made, "PerformedProcedureCodeSequence", [modules.code(code)] if (code := content.order.procedure_code) else [])
    if content.authors:
        put(made, "AuthorObserverSequence", [_author(each, content) for each in content.authors])
    if not content.is_verified:
        return
    observers = []
    for each in content.signatures:
        item = Dataset()
        put(item, "VerifyingOrganization", (each.person.organisation or content.letterhead.name)[:64])
        put(item, "VerificationDateTime", each.at.strftime("%Y%m%d%H%M%S%z")[:19])
        put(item, "VerifyingObserverName", each.person.written)
        put(item, "VerifyingObserverIdentificationCodeSequence", [])
        observers.append(item)
    put(made, "VerifyingObserverSequence", observers)


def _author(person: Person, content: ReportContent) -> Dataset:
    item = Dataset()
    put(item, "ObserverType", "PSN")
    put(item, "PersonName", person.written)
    put(item, "PersonIdentificationCodeSequence", [])
    put(item, "InstitutionName", (person.organisation or content.letterhead.name)[:64])
    put(item, "InstitutionCodeSequence", [])
    return item


def _request(made: Dataset, content: ReportContent) -> None:
    """Referenced Request Sequence (C.17.2): which request is fulfilled, for each study that has one."""
    order, items = content.order, []
    for study in content.studies:
        if not study.accession_number:
            continue
        is_first = study is content.study
        item = Dataset()
        put(item, "StudyInstanceUID", study.study_instance_uid)
        put(item, "ReferencedStudySequence", [])
        put(item, "AccessionNumber", study.accession_number)
        put(item, "PlacerOrderNumberImagingServiceRequest", order.placer_order_number if is_first else "")
        put(item, "FillerOrderNumberImagingServiceRequest", order.filler_order_number if is_first else "")
        put(item, "RequestedProcedureID", order.requested_procedure_id[:16] if is_first else "")
        put(item, "RequestedProcedureDescription", order.procedure[:64] if is_first else "")
        code = order.procedure_code if is_first else None
        put(item, "RequestedProcedureCodeSequence", [modules.code(code)] if code else [])
        items.append(item)
    if items:
        put(made, "ReferencedRequestSequence", items)


def _evidence(made: Dataset, content: ReportContent) -> None:
    """Current Requested Procedure Evidence Sequence: every image that the report speaks of."""
    shown = [each.image for each in content.pictures] + [each.image for each in content.measurements if each.image]
    if shown:
        put(made, "CurrentRequestedProcedureEvidenceSequence", _hierarchy(shown))


def _predecessors(made: Dataset, content: ReportContent) -> None:
    """Predecessor Documents Sequence: the versions before this one, which lie in the same series."""
    series_uid = str(made.SeriesInstanceUID)
    study_uid = str(made.StudyInstanceUID)
    before = [
        ImageReference(
            study_instance_uid=study_uid,
            series_instance_uid=series_uid,
            sop_class_uid=ENHANCED_SR if each.has_measurements else BASIC_TEXT_SR,
            sop_instance_uid=instance_uid(content.report_key, each.number, DocumentKind.STRUCTURED),
        )
        for each in content.earlier
    ]
    if before:
        put(made, "PredecessorDocumentsSequence", _hierarchy(before))


def _hierarchy(references: list[ImageReference]) -> list[Dataset]:
    """Hierarchical SOP Instance Reference Macro (Table C.17-3), each instance once."""
    studies: dict[str, dict[str, dict[str, str]]] = {}
    for each in references:
        series = studies.setdefault(each.study_instance_uid, {}).setdefault(each.series_instance_uid, {})
        series[each.sop_instance_uid] = each.sop_class_uid
    return [_study(study_uid, series) for study_uid, series in studies.items()]


def _study(study_uid: str, series: dict[str, dict[str, str]]) -> Dataset:
    study = Dataset()
    put(study, "StudyInstanceUID", study_uid)
    listed = []
    for series_uid, instances in series.items():
        one = Dataset()
        put(one, "SeriesInstanceUID", series_uid)
        put(one, "ReferencedSOPSequence", [modules.instance(kind, uid) for uid, kind in instances.items()])
        listed.append(one)
    put(study, "ReferencedSeriesSequence", listed)
    return study
