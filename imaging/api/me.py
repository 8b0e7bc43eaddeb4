"""Who asks, and what they may."""

from typing import Any

from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors as accounts
from accounts.models import User
from accounts.roles import Capability, Right
from accounts.scope import held_rights
from imaging.api import departments
from imaging.api.fields import MomentField
from imaging.api.resource import Resource


class Held(departments.DepartmentFields):
    """A department, and what the client may there."""

    rights = serializers.ListField(child=serializers.ChoiceField(choices=[right.value for right in Right]))


class MeFields(serializers.Serializer[Any]):
    """The client, as the portal knows it."""

    kind = serializers.ChoiceField(choices=["user", "machine"])
    id = serializers.CharField()
    name = serializers.CharField(help_text="The account's name, or the machine's.")
    display_name = serializers.CharField()
    departments = Held(many=True)
    capabilities = serializers.ListField(
        child=serializers.ChoiceField(choices=[capability.value for capability in Capability]),
        help_text="What roles allow beyond reading; machines have none.",
    )
    valid_until = MomentField(allow_null=True, help_text="When the first of these rights ends, or null.")
    language = serializers.CharField(help_text="Of this answer's texts, by Accept-Language.")


class Me(Resource):
    """The client itself."""

    @extend_schema(
        operation_id="me_retrieve",
        summary="Who am I?",
        description="Departments, rights and capabilities of the key or of the session: what a client may ask for.",
        responses=MeFields,
    )
    def get(self, request: Request) -> Response:
        """Tell who asks."""
        rights = held_rights(self.scope)
        rows = accounts.departments_named(rights)
        user = request.user if isinstance(request.user, User) else None
        held = accounts.capabilities_by_department(user) if user else {}
        return Response(
            {
                "kind": self.actor.kind,
                "id": self.actor.id,
                "name": self.actor.name,
                "display_name": user.label if user else self.actor.name,
                "departments": [
                    {**departments.shown(row), "rights": sorted(right.value for right in rights[row.pk])}
                    for row in rows
                ],
                "capabilities": sorted(capability.value for capability in held),
                "valid_until": MomentField().to_representation(self.scope.valid_until)
                if self.scope.valid_until
                else None,
                "language": get_language() or "en",
            }
        )
