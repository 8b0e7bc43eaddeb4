"""Why a study lies in the client's departments, and until when."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.roles import Right
from imaging.api import departments, paging
from imaging.api.fields import MomentField
from imaging.api.resource import Resource
from imaging.studies import access
from imaging.studies import selectors as studies
from imaging.studies.models import Placement


class PlacementFields(serializers.Serializer[Any]):
    """A study's place in one of the client's departments."""

    department = departments.DepartmentFields()
    kind = serializers.ChoiceField(
        choices=[kind.value for kind in Placement.Kind],
        help_text="The performing department owns it; others asked for it, or were granted access.",
    )
    reason_code = serializers.CharField(help_text="The rule's or the decision's kind.")
    reason_detail = serializers.CharField(help_text="The rule's name, or who decided.")
    placed_at = MomentField()
    until = MomentField(allow_null=True, help_text="When it ends, or null.")


PlacementPage = paging.envelope(PlacementFields, "placements")


class PlacementsOfStudy(Resource):
    """Where a study is placed, as far as the client's departments go."""

    @extend_schema(
        operation_id="placements_list",
        summary="Placements of a study",
        description="Those of your departments only: nothing tells who else has it.",
        responses=PlacementPage,
    )
    def get(self, request: Request, study_instance_uid: str) -> Response:
        """List them, the first first."""
        study = access.open_study(
            self.scope, study_instance_uid, actor=self.actor, purpose=access.Purpose.METADATA, right=Right.LIST
        )
        places = studies.placements_of(study, scope=self.scope)
        rows = [
            {
                "department": departments.shown(place.department),
                "kind": place.kind,
                "reason_code": place.reason_code,
                "reason_detail": place.reason_detail,
                "placed_at": MomentField().to_representation(place.placed_at),
                "until": MomentField().to_representation(place.until) if place.until else None,
            }
            for place in places
        ]
        return paging.answer(request, rows, following="")
