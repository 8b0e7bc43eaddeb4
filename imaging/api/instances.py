"""Instances of a series."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.roles import Right
from imaging.api import paging
from imaging.api.resource import Resource
from imaging.studies import access
from imaging.studies import selectors as studies
from imaging.studies.models import Instance, Series


class InstanceFields(serializers.Serializer[Any]):
    """An instance: its identity and size. Its whole header is in DICOMweb."""

    sop_instance_uid = serializers.CharField()
    sop_class_uid = serializers.CharField()
    series_instance_uid = serializers.CharField()
    study_instance_uid = serializers.CharField()
    instance_number = serializers.IntegerField(allow_null=True)
    number_of_frames = serializers.IntegerField()
    rows = serializers.IntegerField(help_text="0 where there are no pixels.")
    columns = serializers.IntegerField(help_text="0 where there are no pixels.")
    dicomweb = serializers.URLField(help_text="The instance in DICOMweb.")


InstancePage = paging.envelope(InstanceFields, "instances")


def shown(row: Instance, series: Series, request: Request) -> dict[str, Any]:
    """An instance as it is written."""
    study_uid, series_uid = series.study.study_instance_uid, series.series_instance_uid
    address = f"/dicom-web/studies/{study_uid}/series/{series_uid}/instances/{row.sop_instance_uid}"
    return {
        "sop_instance_uid": row.sop_instance_uid,
        "sop_class_uid": row.sop_class_uid,
        "series_instance_uid": series_uid,
        "study_instance_uid": study_uid,
        "instance_number": row.instance_number,
        "number_of_frames": row.number_of_frames,
        "rows": row.rows,
        "columns": row.columns,
        "dicomweb": request.build_absolute_uri(address),
    }


class InstancesOfSeries(Resource):
    """The instances of one series."""

    query = paging.PageQuery

    @extend_schema(operation_id="instances_list", summary="Instances of a series", responses=InstancePage)
    def get(self, request: Request, study_instance_uid: str, series_instance_uid: str) -> Response:
        """List them by number."""
        asked = self.asked()
        series = access.open_series(
            self.scope,
            study_instance_uid,
            series_instance_uid,
            actor=self.actor,
            purpose=access.Purpose.METADATA,
            right=Right.LIST,
        )
        return paging.by_number(
            request,
            studies.instances_of(series, scope=self.scope),
            "instance_number",
            cursor=asked.get("cursor", ""),
            limit=asked["limit"],
            show=lambda row: shown(row, series, request),
        )


class OneInstance(Resource):
    """One instance."""

    @extend_schema(operation_id="instances_retrieve", summary="One instance", responses=InstanceFields)
    def get(
        self, request: Request, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str
    ) -> Response:
        """Tell what is known of it."""
        version = access.open_instance(
            self.scope,
            study_instance_uid,
            series_instance_uid,
            sop_instance_uid,
            actor=self.actor,
            purpose=access.Purpose.METADATA,
            right=Right.LIST,
        )
        return Response(shown(version.instance, version.instance.series, request))
