"""The studies of one patient."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from imaging.api import paging, studies
from imaging.api.resource import Resource
from imaging.studies.finding import patient_list


class StudiesOfPatient(Resource):
    """The studies of one patient that the client may list."""

    query = paging.PageQuery

    @extend_schema(
        operation_id="patient_studies_list", summary="Studies of a patient", responses=studies.PatientStudyPage
    )
    def get(self, request: Request, pk: int) -> Response:
        """List them, the last known to the portal first."""
        asked = self.asked()
        patient = patient_list.open_patient(self.scope, pk, actor=self.actor)
        rows: QuerySet[Any] = patient_list.studies_of(patient, scope=self.scope)
        return paging.latest_first(
            request,
            rows,
            cursor=asked.get("cursor", ""),
            limit=asked["limit"],
            show=lambda row: studies.shown(row, [place.department.code for place in row.own_placements], request),
        )
