"""Departments of the client: those whose study lists it may see."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Department
from imaging.api import paging
from imaging.api.resource import Resource
from imaging.studies import selectors as studies


class DepartmentFields(serializers.Serializer[Any]):
    """A department of the hospital."""

    code = serializers.CharField(help_text="Short and lasting: what filters and rules name.")
    name = serializers.CharField(help_text="In the language of Accept-Language.")
    site = serializers.CharField()


def shown(row: Department) -> dict[str, str]:
    """A department as it is written."""
    return {"code": row.code, "name": row.label, "site": row.site.name}


DepartmentPage = paging.envelope(DepartmentFields, "departments")


class Departments(Resource):
    """Departments whose studies the client may list."""

    @extend_schema(operation_id="departments_list", summary="My departments", responses=DepartmentPage)
    def get(self, request: Request) -> Response:
        """List them, by name."""
        rows = [shown(row) for row in studies.departments_of(self.scope)]
        return paging.answer(request, rows, following="")
