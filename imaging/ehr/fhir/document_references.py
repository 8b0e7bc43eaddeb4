"""DocumentReference: the PDF of each report, for records that collect documents (R4 section 2.4; FH-4)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from imaging.ehr.fhir import diagnostic_reports
from imaging.ehr.fhir.kinds import ID, LAST_UPDATED, Asking, Kind, Page, Wanted, titled
from imaging.ehr.fhir.parameters import Criteria, Parameter, Type
from imaging.fhir.documents import document_reference_of
from imaging.fhir.values import Resource
from imaging.reports.models import ReportVersion


class DocumentReferences(Kind):
    """The papers of reports, in their last version."""

    name = "DocumentReference"
    about = "The PDF of a signed report in its last version; the id is the report's."
    parameters = (
        ID,
        LAST_UPDATED,
        Parameter("patient", Type.REFERENCE, "Whose report it is", target="Patient", element="subject"),
        Parameter("subject", Type.REFERENCE, "Whose report it is", target="Patient", element="subject"),
        Parameter("patient.identifier", Type.TOKEN, "A number of the patient"),
        Parameter("subject.identifier", Type.TOKEN, "A number of the patient"),
        Parameter("identifier", Type.TOKEN, "`urn:ietf:rfc:3986|urn:uuid:…`"),
        Parameter("date", Type.DATE, "When the last version was signed"),
        Parameter("category", Type.TOKEN, "Always RAD"),
        Parameter("type", Type.TOKEN, "Always LOINC 18748-4"),
    )

    def read(self, asking: Asking, key: str) -> Resource | None:
        """One paper; its words are given, and put on record, where it is fetched."""
        return next(iter(self.several(asking, [key])), None)

    def search(self, asking: Asking, wanted: Wanted) -> Page:
        """Latest begun first."""
        criteria = _as_of_reports(wanted.criteria)
        return diagnostic_reports.page(asking, wanted, criteria, show=lambda found: _shown(asking, found))

    def count(self, asking: Asking, criteria: Criteria) -> int:
        """How many there are."""
        return diagnostic_reports.found(asking, _as_of_reports(criteria)).count()

    def several(self, asking: Asking, keys: Collection[str]) -> list[Resource]:
        """These."""
        return _shown(asking, diagnostic_reports.last_versions(asking, keys))


def _as_of_reports(asked: Criteria) -> Criteria:
    """The same question about the reports: a document's date is when it was signed, its type what the report is."""
    names = {"date": "issued", "type": "code"}
    return Criteria({names.get(name, name): groups for name, groups in asked.given.items()})


def _shown(asking: Asking, versions: Sequence[ReportVersion]) -> list[Resource]:
    found = []
    for version in versions:
        study = version.report.study
        facts = diagnostic_reports.facts(asking, version, ())
        resource = document_reference_of(
            facts,
            subject=f"Patient/{study.patient_id}",
            related=(f"ImagingStudy/{study.study_instance_uid}", f"DiagnosticReport/{version.report.key}"),
        )
        updated = max(version.report.changed_at, version.signed_at).isoformat()
        found.append(titled(resource, str(version.report.key), updated=updated))
    return found
