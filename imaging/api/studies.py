"""Studies: the study list for machines, and one study."""

from typing import Any

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors
from accounts.roles import Right
from imaging.api import paging, patients, querying, study_query
from imaging.api.errors import Problem, Refused
from imaging.api.fields import MomentField, PersonNameField
from imaging.api.resource import Resource
from imaging.studies import access
from imaging.studies import selectors as studies
from imaging.studies.finding import list_cursor
from imaging.studies.models import Study


class StudyLinks(serializers.Serializer[Any]):
    """Where the study is found."""

    series = serializers.URLField()
    placements = serializers.URLField()
    problems = serializers.URLField()
    dicomweb = serializers.URLField(help_text="The study in DICOMweb: headers, objects, frames, pictures.")
    page = serializers.URLField(help_text="For a person's browser.")


class StudyFields(serializers.Serializer[Any]):
    """A study, with corrections applied. Names are DICOM's keywords in snake case."""

    study_instance_uid = serializers.CharField()
    patient = patients.PatientFields()
    accession_number = serializers.CharField()
    study_id = serializers.CharField()
    study_at = MomentField(help_text="Date and time of the study; of its arrival where the header has none.")
    study_time_known = serializers.BooleanField(help_text="Whether the time of day stands in the header.")
    study_description = serializers.CharField(source="description")
    referring_physician_name = PersonNameField()
    institutional_department_name = serializers.CharField()
    modalities_in_study = serializers.ListField(child=serializers.CharField(), source="modalities")
    body_part_examined = serializers.CharField()
    number_of_study_related_series = serializers.IntegerField(source="series_count")
    number_of_study_related_instances = serializers.IntegerField(source="instance_count")
    status = serializers.ChoiceField(choices=[status.value for status in studies.Status])
    is_corrected = serializers.BooleanField(help_text="Whether people corrected what the headers say.")
    version = serializers.IntegerField(help_text="Grows with every change of the study's objects.")
    first_received_at = MomentField()
    last_received_at = MomentField()
    settled_at = MomentField(allow_null=True, help_text="When it counted as complete, or null.")
    departments = serializers.ListField(
        child=serializers.CharField(), help_text="Codes of those of your departments that have it."
    )
    links = StudyLinks()


PatientStudyPage = paging.envelope(StudyFields, "studies of a patient")


class StudyPage(paging.envelope(StudyFields, "studies")):  # type: ignore[misc]
    """A page of the study list."""

    total = serializers.IntegerField(help_text="How many studies the filters find, on all pages.")
    total_is_exact = serializers.BooleanField(help_text="False: there are at least as many.")


def shown(study: Study, departments: list[str], request: Request) -> dict[str, Any]:
    """A study as it is written."""
    uid = study.study_instance_uid
    here = request.build_absolute_uri(reverse("api:study", args=[uid]))
    study.links = {  # type: ignore[attr-defined]
        "series": f"{here}/series",
        "placements": f"{here}/placements",
        "problems": request.build_absolute_uri(f"{reverse('api:problems')}?study_instance_uid={uid}"),
        "dicomweb": request.build_absolute_uri(f"/dicom-web/studies/{uid}"),
        "page": request.build_absolute_uri(f"/studies/{uid}/"),
    }
    study.departments = departments  # type: ignore[attr-defined]
    return dict(StudyFields(study).data)


class Studies(Resource):
    """The study list of the client: the same studies, filters, orders and number as on the page."""

    query = study_query.StudyQuery
    takes_attributes = True

    @extend_schema(
        operation_id="studies_list",
        summary="Search studies",
        description="Besides these parameters, attributes of DICOM are matched by keyword or tag, as in QIDO-RS "
        "(PS3.4 section C.2.2.2): `PatientID=4711`, `StudyDate=20260101-20260131`, `PatientName=DUR*`. Any other name is "
        "refused. Pages stay in place while studies arrive. If-None-Match is cheap: nothing is counted for it.",
        responses=StudyPage,
    )
    def get(self, request: Request) -> Response:
        """Search."""
        with timezone.override(selectors.zone_of_reader(request.user, self.scope)):
            asked = self.asked()
            filters = study_query.filters(asked, request, self.scope)
            order = studies.Order(asked["order"])
            cursor = asked.get("cursor", "")
            if cursor and list_cursor.read(cursor, order) is None:
                raise Refused(Problem.CURSOR)
            querying.on_record(self, "study")
            page = {"order": order, "cursor": cursor, "limit": asked["limit"]}
            with querying.bounded():
                if "If-None-Match" in request.headers:
                    self.unchanged(studies.study_list_version(self.scope, filters, **page))
                found = studies.study_list(self.scope, filters, **page)
                etag = self.unchanged(found.version)
                total, is_exact = found.total, found.has_exact_total
                if asked["count"] == "exact" and not is_exact:
                    counted = studies.study_count(self.scope, filters, exact=True)
                    total, is_exact = counted.number, counted.is_exact
        rows = [shown(row.study, [place.code for place in row.departments], request) for row in found.rows]
        response = paging.answer(
            request,
            rows,
            following=found.next,
            preceding=found.previous,
            more={"total": total, "total_is_exact": is_exact},
        )
        response["ETag"] = etag
        return response


class OneStudy(Resource):
    """One study."""

    @extend_schema(operation_id="studies_retrieve", summary="One study", responses=StudyFields)
    def get(self, request: Request, study_instance_uid: str) -> Response:
        """Tell what is known of it."""
        study = access.open_study(
            self.scope,
            study_instance_uid,
            actor=self.actor,
            purpose=access.Purpose.METADATA,
            right=Right.LIST,
        )
        places = studies.placements_of(study, scope=self.scope)
        return Response(shown(study, [place.department.code for place in places], request))
