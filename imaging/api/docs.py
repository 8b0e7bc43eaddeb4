"""The API's description and its pages: for whoever has been recognised. Neither holds any data."""

from functools import lru_cache
from typing import Any, ClassVar

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer2, OpenApiYamlRenderer2
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Theme, User
from imaging.api.errors import Problem
from imaging.api.resource import Resource


class SchemaQuery(serializers.Serializer[Any]):
    """In which form."""

    form = serializers.ChoiceField(choices=["json", "yaml"], required=False, default="json")


@lru_cache(maxsize=1)
def description() -> dict[str, Any]:
    """The API as OpenAPI 3.1, in English; made once in a process."""
    with translation.override("en"):
        found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
        return found


@lru_cache(maxsize=2)
def _written(form: str) -> bytes:
    renderer = OpenApiYamlRenderer2() if form == "yaml" else OpenApiJsonRenderer2()
    written: bytes = renderer.render(description(), renderer_context={})
    return written


class Schema(Resource):
    """The description itself, for programs that make clients."""

    query: ClassVar[type[serializers.Serializer[Any]]] = SchemaQuery

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """Give it as JSON, or as YAML with `form=yaml`."""
        form = self.asked()["form"]
        etag = self.unchanged(_written(form))
        media_type = "application/yaml" if form == "yaml" else "application/vnd.oai.openapi+json"
        response = HttpResponse(_written(form), content_type=media_type)
        response["ETag"] = etag
        return response  # type: ignore[return-value]


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponseBase:
    """A page among those of a machine door: whoever reads it is a person, with a person's light and language."""
    user = request.user
    if isinstance(user, User):
        request.theme = user.theme if user.theme in Theme.values else Theme.DARK.value  # type: ignore[attr-defined]
        if user.language:
            translation.activate(user.language)
            request.LANGUAGE_CODE = user.language
    response = render(request, template, context)
    response["Cache-Control"] = "private, no-cache"
    return response


@require_safe
@login_required
def reference(request: HttpRequest) -> HttpResponseBase:
    """Show the reference, where each operation can be tried."""
    return _page(request, "imaging/api/reference.html", {})


@require_safe
@login_required
def problems(request: HttpRequest) -> HttpResponseBase:
    """Explain every kind of problem; what `type` of a problem document leads to."""
    return _page(request, "imaging/api/problems.html", {"problems": list(Problem)})
