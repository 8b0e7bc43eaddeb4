"""Series of a study."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.roles import Right
from imaging.api import paging
from imaging.api.fields import MomentField
from imaging.api.resource import Resource
from imaging.studies import access
from imaging.studies import selectors as studies
from imaging.studies.models import Series


class SeriesLinks(serializers.Serializer[Any]):
    """Where the series is found."""

    instances = serializers.URLField()
    dicomweb = serializers.URLField()


class SeriesFields(serializers.Serializer[Any]):
    """A series, with corrections applied."""

    series_instance_uid = serializers.CharField()
    study_instance_uid = serializers.CharField(source="study.study_instance_uid")
    modality = serializers.CharField()
    series_number = serializers.IntegerField(allow_null=True)
    series_description = serializers.CharField(source="description")
    body_part_examined = serializers.CharField()
    laterality = serializers.CharField()
    station_name = serializers.CharField()
    protocol_name = serializers.CharField()
    frame_of_reference_uid = serializers.CharField()
    number_of_series_related_instances = serializers.IntegerField(source="instance_count")
    number_of_frames = serializers.IntegerField(source="frame_count", help_text="Over all instances.")
    version = serializers.IntegerField()
    last_received_at = MomentField()
    links = SeriesLinks()


SeriesPage = paging.envelope(SeriesFields, "series")


def shown(row: Series, request: Request) -> dict[str, Any]:
    """A series as it is written."""
    place = f"studies/{row.study.study_instance_uid}/series/{row.series_instance_uid}"
    row.links = {  # type: ignore[attr-defined]
        "instances": request.build_absolute_uri(f"/api/v1/{place}/instances"),
        "dicomweb": request.build_absolute_uri(f"/dicom-web/{place}"),
    }
    return dict(SeriesFields(row).data)


class SeriesOfStudy(Resource):
    """The series of one study."""

    query = paging.PageQuery

    @extend_schema(operation_id="series_list", summary="Series of a study", responses=SeriesPage)
    def get(self, request: Request, study_instance_uid: str) -> Response:
        """List them by number."""
        asked = self.asked()
        study = access.open_study(
            self.scope, study_instance_uid, actor=self.actor, purpose=access.Purpose.METADATA, right=Right.LIST
        )
        return paging.by_number(
            request,
            studies.series_of(study, scope=self.scope),
            "series_number",
            cursor=asked.get("cursor", ""),
            limit=asked["limit"],
            show=lambda row: shown(row, request),
        )


class OneSeries(Resource):
    """One series."""

    @extend_schema(operation_id="series_retrieve", summary="One series", responses=SeriesFields)
    def get(self, request: Request, study_instance_uid: str, series_instance_uid: str) -> Response:
        """Tell what is known of it."""
        row = access.open_series(
            self.scope,
            study_instance_uid,
            series_instance_uid,
            actor=self.actor,
            purpose=access.Purpose.METADATA,
            right=Right.LIST,
        )
        return Response(shown(row, request))
