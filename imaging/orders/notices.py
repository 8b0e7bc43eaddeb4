"""Whom a notification about an exam request concerns, for readers who may see the request."""

from collections.abc import Mapping, Sequence

from accounts.notifications import subjects
from accounts.scope import Scope
from imaging.dicom import person_name
from imaging.orders.models import ExamRequest


def _requests(scope: Scope, keys: Sequence[str]) -> Mapping[str, str]:
    rows = (
        ExamRequest.objects.visible_to(scope)
        .filter(key__in=subjects.uuids(keys))
        .select_related("patient", "procedure")
    )
    return {str(row.key): _line(row) for row in rows}


def _line(request: ExamRequest) -> str:
    name = request.patient.patient_name if request.patient else request.typed_name
    return " · ".join(part for part in (person_name.display(name), str(request.procedure or "")) if part)


subjects.register("exam_request", _requests)
