"""The root of the API: where everything is."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from imaging.api.resource import Resource


class IndexFields(serializers.Serializer[Any]):
    """Addresses of the resources."""

    me = serializers.URLField()
    departments = serializers.URLField()
    patients = serializers.URLField()
    studies = serializers.URLField()
    jobs = serializers.URLField()
    problems = serializers.URLField()
    uploads = serializers.URLField()
    schema = serializers.URLField(help_text="This description (OpenAPI 3.1).")
    docs = serializers.URLField(help_text="The same, for people.")


class Index(Resource):
    """The root."""

    @extend_schema(operation_id="index_retrieve", summary="Where everything is", responses=IndexFields)
    def get(self, request: Request) -> Response:
        """List the resources."""
        return Response({name: request.build_absolute_uri(reverse(f"api:{name}")) for name in IndexFields().fields})
