"""How the FHIR door says that something cannot be done: OperationOutcome (R4 section 3.1.0.1.6), whoever refused.

Nothing in one tells what exists: what is not there and what a reader may not see are the same answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from imaging.fhir.values import Resource
from imaging.fhir.values import text as string

PREFIX: Final = "/fhir/"
CONTENT_TYPE: Final = "application/fhir+json; charset=utf-8"

#: Code of value set issue-type and sentence, by status; any other is read as the nearest of its class.
_OF_STATUS: Final[dict[int, tuple[str, Promise]]] = {
    400: ("invalid", _("The request cannot be read. Correct it, and ask again.")),
    401: ("login", _("Nobody is signed in. Send a machine key (Authorization: Bearer …), or sign in to the portal.")),
    403: ("forbidden", _("The right for this is missing. An administrator gives rights to keys and roles to people.")),
    404: ("not-found", _("There is nothing here for you to see.")),
    405: ("not-supported", _("This cannot be done here. The header Allow names what can.")),
    406: ("not-supported", _("The answer cannot be given in that form. Accept application/fhir+json.")),
    409: ("conflict", _("This does not fit what is there. Nothing was changed.")),
    412: ("conflict", _("It has changed meanwhile. Read it again, and decide anew.")),
    413: ("too-long", _("The request is too large. Nothing of it was kept.")),
    414: ("too-long", _("The address is too long. Send the search as a form to _search.")),
    415: ("not-supported", _("The body is of a type that is not taken.")),
    422: ("processing", _("The resource cannot be taken as it is. Nothing of it was kept.")),
    429: ("throttled", _("Too many requests. Wait for as many seconds as the header Retry-After says.")),
    500: ("exception", _("Something went wrong on our side. What is stored is safe. Ask again later.")),
    503: ("transient", _("Not available at the moment. Ask again after as many seconds as Retry-After says.")),
}


class Refused(Exception):
    """A request that is not served; ``code`` is of value set issue-type, ``expression`` names the element that is meant."""

    def __init__(
        self, status: int, text: str | Promise = "", *, code: str = "", expression: str = "", retry_after: int = 0
    ) -> None:
        super().__init__(status, code)
        self.status = status
        self.text = text
        self.code = code
        self.expression = expression
        self.retry_after = retry_after


def outcome(
    status: int, text: str | Promise = "", *, code: str = "", expression: str = "", severity: str = "error"
) -> Resource:
    """An OperationOutcome of one issue, in the reader's language."""
    usual = _OF_STATUS.get(status) or _OF_STATUS[400 if status < 500 else 500]
    issue: Resource = {"severity": severity, "code": code or usual[0], "diagnostics": string(str(text or usual[1]))}
    if string(expression):
        issue["expression"] = [string(expression)]
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def answer(refused: Refused) -> HttpResponse:
    """The refusal as an answer, which nobody keeps."""
    response = HttpResponse(status=refused.status)
    _write(response, outcome(refused.status, refused.text, code=refused.code, expression=refused.expression))
    if refused.retry_after:
        response["Retry-After"] = str(refused.retry_after)
    return response


def _write(response: HttpResponse, resource: Resource) -> None:
    response.content = orjson.dumps(resource)
    if response.has_header("Content-Length"):
        response["Content-Length"] = str(len(response.content))
    response["Content-Type"] = CONTENT_TYPE
    response["Content-Language"] = translation.get_language() or "en"
    response["Cache-Control"] = "no-store"


class OperationOutcomes:
    """Middleware: below /fhir/ every refusal is an OperationOutcome, whoever refused; its headers stay."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer; rewrite what is no resource."""
        response = self.get_response(request)
        is_ours = request.path_info.startswith(PREFIX) and response.status_code >= 400
        if is_ours and isinstance(response, HttpResponse) and not _is_resource(response):
            with translation.override(translation.get_language_from_request(request)):
                _write(response, outcome(response.status_code))
        return response


def _is_resource(response: HttpResponse) -> bool:
    return response.headers.get("Content-Type", "").startswith("application/fhir+json")
