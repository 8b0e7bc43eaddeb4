"""Binary: the PDF of a version of a report, as it was signed (R4 section 2.26.3)."""

from __future__ import annotations

import base64

from accounts.roles import Right
from imaging.ehr.fhir import diagnostic_reports, ids
from imaging.ehr.fhir.kinds import Asking, Kind
from imaging.fhir.values import Resource
from imaging.reports.models import Report, ReportVersion
from imaging.reports.writing import publishing
from imaging.storage import services as storage

PDF = "application/pdf"


class Binaries(Kind):
    """Documents. Who accepts application/pdf gets the bytes themselves."""

    name = "Binary"
    about = "The PDF of a report. With `Accept: application/pdf` the document itself, otherwise base64 in a resource."

    def read(self, asking: Asking, key: str) -> Resource | None:
        """The document as a resource; on record as read."""
        data = self.document(asking, key)
        if data is None:
            return None
        return {"resourceType": "Binary", "id": key, "contentType": PDF, "data": base64.b64encode(data).decode()}

    def document(self, asking: Asking, key: str) -> bytes | None:
        """The document itself; on record as read."""
        seen = Report.objects.visible_to(asking.scope, Right.VIEW)
        rows = ReportVersion.objects.filter(key__in=ids.uuids([key]), report__in=seen)
        version = rows.select_related("report__study__patient").first()
        if version is None:
            return None
        data = storage.read(publishing.paper(version, version.report))
        diagnostic_reports.record(asking, version)
        return data
