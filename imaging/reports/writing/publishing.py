"""After a signature: the paper and the DICOM objects of each version. Run again, it makes nothing twice."""

from __future__ import annotations

import uuid
from typing import Final

from imaging.reports.documents import canonical, issuing, typeset
from imaging.reports.documents.content import ReportContent
from imaging.reports.models import Report, ReportDocument, ReportVersion
from imaging.reports.writing import pulling
from imaging.storage import services as storage
from imaging.storage.models import StoredObject
from imaging.studies.models import Instance

#: What the pipeline calls it; its subject is a report's key.
STEP: Final = "write report documents"
#: What is made here. A paper that another system sent is kept as it came, and none is made beside it.
_MADE: Final = (ReportDocument.Kind.PDF, ReportDocument.Kind.ENCAPSULATED, ReportDocument.Kind.STRUCTURED)


class DocumentsNotMade(Exception):
    """A document could not be made; the job is tried again. ``code`` says why, without a word of the report."""

    def __init__(self, code: str) -> None:
        """Keep the code for the job's record."""
        super().__init__(code)
        self.code = code


def write_documents(key: str) -> None:
    """Make what is missing of every version of a report, first to last. Raises ``DocumentsNotMade``."""
    report = Report.objects.select_related("study__patient").filter(key=uuid.UUID(key)).first()
    if report is None:
        return
    known = set(ReportDocument.objects.filter(version__report=report).values_list("version_id", "kind"))
    bytes_of = None
    for version in ReportVersion.objects.filter(report=report).order_by("number"):
        missing = [kind for kind in _MADE if (version.pk, kind.value) not in known]
        if not missing:
            continue
        bytes_of = pulling.contents(report) if bytes_of is None else bytes_of
        _write(version, canonical.read(version.content, pictures=bytes_of), missing, report)


def paper(version: ReportVersion, report: Report) -> StoredObject:
    """The PDF of a version: as it was made, or made now for somebody who waits. Raises ``DocumentsNotMade``."""
    known = _kept_paper(version)
    if known is not None:
        return known
    return _paper(version, canonical.read(version.content, pictures=pulling.contents(report)))


def _write(version: ReportVersion, content: ReportContent, missing: list[ReportDocument.Kind], report: Report) -> None:
    pdf = storage.read(_paper(version, content))
    try:
        if ReportDocument.Kind.STRUCTURED in missing:
            made = issuing.issue_structured(content, study=report.study)
            _keep(version, ReportDocument.Kind.STRUCTURED, instance=made.instance)
        if ReportDocument.Kind.ENCAPSULATED in missing:
            made = issuing.issue_pdf(content, pdf, study=report.study)
            _keep(version, ReportDocument.Kind.ENCAPSULATED, instance=made.instance)
    except issuing.NotIssued as error:
        raise DocumentsNotMade(error.code) from error


def _paper(version: ReportVersion, content: ReportContent) -> StoredObject:
    known = _kept_paper(version)
    if known is not None:
        return known
    try:
        pdf = typeset.pdf(content)
    except typeset.TypesettingFailed as error:
        raise DocumentsNotMade(error.code) from error
    stored = storage.put(pdf, kind=StoredObject.Kind.REPORT)
    _keep(version, ReportDocument.Kind.PDF, stored_object=stored)
    return stored


def _kept_paper(version: ReportVersion) -> StoredObject | None:
    rows = ReportDocument.objects.filter(version=version, kind=ReportDocument.Kind.PDF).select_related("stored_object")
    row = rows.first()
    return row.stored_object if row else None


def _keep(
    version: ReportVersion,
    kind: ReportDocument.Kind,
    *,
    stored_object: StoredObject | None = None,
    instance: Instance | None = None,
) -> None:
    ReportDocument.objects.get_or_create(
        version=version, kind=kind, defaults={"stored_object": stored_object, "instance": instance}
    )
