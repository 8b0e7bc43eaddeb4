"""The API's description (OpenAPI 3.1), made from the resources themselves: it holds no data, and needs no request."""

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from imaging.api import links

_IDEMPOTENCY: Final = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="1 to 255 visible characters, new for each new request. A repetition with the same key within 24 hours "
    "is not done again: it gets the first answer, with `Idempotency-Replayed: true`. A request that was refused leaves its key free.",
)
_IF_NONE_MATCH: Final = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag of the version that the client has; the answer is 304 while it is current.",
)
_DOCUMENT: Final = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": ["/api/docs/problems#not-found"]},
        "title": {"type": "string", "description": "What went wrong, in the language of Accept-Language (en, fr)."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What to do next."},
        "request_id": {
            "type": "string",
            "description": "Tell it to the administrators: the audit and the log know it.",
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "detail"],
                "properties": {"name": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
        "known_parameters": {"type": "array", "items": {"type": "string"}},
    },
}
_MEANINGS: Final[Mapping[str, str]] = {
    "400": "A parameter is not known or cannot be read.",
    "401": "No machine key and no session, or a key that is not accepted.",
    "403": "The right for this is missing.",
    "404": "It does not exist, or is not yours to see.",
    "406": "The answer cannot be given in the form that Accept asks for.",
    "409": "A request with the same idempotency key is not finished.",
    "410": "It is no longer kept.",
    "411": "The length of the body is missing.",
    "412": "It has changed since the version of If-Match.",
    "413": "The body is too large.",
    "414": "The address is too long.",
    "415": "The body is of a type that is not taken.",
    "422": "The idempotency key belongs to another request, or nothing of the body can be stored.",
    "429": "Too many requests; Retry-After says when there is room again.",
    "503": "Not available at the moment; Retry-After says when to ask again.",
    "507": "Nothing more can be kept now.",
}
_READING: Final = ("400", "401", "404", "406", "414", "429", "503")
_WRITING: Final = (
    "400",
    "401",
    "403",
    "404",
    "406",
    "409",
    "411",
    "412",
    "413",
    "414",
    "415",
    "422",
    "429",
    "503",
    "507",
)


class ResourceSchema(AutoSchema):
    """A resource's operations: its query's parameters, and the headers that all of them understand."""

    def get_override_parameters(self) -> list[Any]:
        """Return what the client may send beside the address."""
        found: list[Any] = list(super().get_override_parameters())
        if self.method == "GET":
            query = self.view.query  # type: ignore[attr-defined]
            return [*found, *([query] if query().fields else []), _IF_NONE_MATCH]
        return [*found, _IDEMPOTENCY] if self.method == "POST" else found

    def get_tags(self) -> list[str]:
        """Return the resource's name: the first word of its address."""
        words = [word for word in self.path.split("/") if word and not word.startswith("{")]
        return [words[2] if len(words) > 2 else "api"]

    def get_operation(self, *described: Any) -> dict[str, Any] | None:
        """Return the operation, with the refusals that are its own."""
        operation: dict[str, Any] | None = super().get_operation(*described)
        if operation is not None:
            for status in getattr(self.view, "own_refusals"):  # noqa: B009
                operation["responses"][status] = {"$ref": f"#/components/responses/Problem{status}"}
        return operation

    def _is_list_view(self, serializer: Any = None) -> bool:
        """No operation answers with a bare array: lists have their own envelope."""
        return False


class Keys(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The ways to sign in."""

    target_class = "imaging.api.resource.Authentication"
    name = ["machineKey", "machineNameAndKey", "session"]

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[str]]]:
        """Return each way as one that is enough."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, str]]:
        """Return one definition for each name."""
        return [
            {
                "type": "http",
                "scheme": "bearer",
                "description": "A machine key; the word Token does as well as Bearer.",
            },
            {
                "type": "http",
                "scheme": "basic",
                "description": "A machine's name and its key, never a person's password.",
            },
            {
                "type": "apiKey",
                "in": "cookie",
                "name": "negatoscope",
                "description": "The session of a signed-in person; what changes something carries X-CSRFToken as well. "
                "Over TLS the cookie's name begins with __Host-.",
            },
        ]


def complete(result: dict[str, Any], **_more: Any) -> dict[str, Any]:
    """Add to each operation what all may answer, and where answers lead (a hook of drf-spectacular)."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = _DOCUMENT
    responses = components.setdefault("responses", {})
    for status, meaning in _MEANINGS.items():
        content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        responses[f"Problem{status}"] = {"description": meaning, "content": content}
    for operations in result["paths"].values():
        for method, operation in operations.items():
            given = operation["responses"]
            for status in _READING if method == "get" else _WRITING:
                given.setdefault(status, {"$ref": f"#/components/responses/Problem{status}"})
            if method == "get" and "200" in given:
                given.setdefault("304", {"description": "The client has the current version."})
            operation["responses"] = dict(sorted(given.items()))
    links.add(result)
    return result


def only_resources(endpoints: list[Any], **_more: Any) -> list[Any]:
    """Leave out what is no resource of version 1 (a hook of drf-spectacular)."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]
