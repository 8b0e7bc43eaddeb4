"""What every resource of the API does alike: who may ask, what may be asked, versions, rates, keys of repetition.

A resource is one class with a method for each HTTP method, in a module of its own, and one line in ``urls.py``. Its
methods ask selectors with ``self.scope`` and call services with ``self.actor``; they raise what those raise, and
``errors.of_exception`` knows the status.
"""

import hashlib
from typing import Any, ClassVar, Final, cast

from django.conf import settings
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import throttling
from accounts.actor import Actor
from accounts.authentication import PortalAuthentication
from accounts.idempotency.services import Claim
from accounts.scope import Scope
from imaging.api import repetition
from imaging.api.errors import Answered, Problem, Refused

#: No browser writes it to its disk. A program that keeps it itself asks again with its ETag, which is cheap.
UNKEPT: Final = "private, no-store"
_VARY: Final = ["Accept", "Accept-Language", "Cookie", "Authorization"]


class NoQuery(serializers.Serializer[Any]):
    """The parameters of what takes none."""


class Authentication(PortalAuthentication):
    """As everywhere; without Basic in the challenge, or browsers open a window of their own when a session ends."""

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge that goes with 401."""
        return 'Bearer realm="negatoscope"'


class Recognised(BasePermission):
    """People who have signed in, and machines with a key."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether somebody has been recognised."""
        return request.user is not None and bool(request.user.is_authenticated)


class Resource(APIView):
    """A resource. ``query`` names and checks the parameters of GET, of which no other is taken."""

    authentication_classes = [Authentication]
    permission_classes = [Recognised]
    renderer_classes = [JSONRenderer]
    parser_classes = [JSONParser]
    metadata_class = None
    # OPTIONS is for the pages of other sites, which may not ask.
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    query: ClassVar[type[serializers.Serializer[Any]]] = NoQuery
    #: Whether names that are no parameter may be attributes of DICOM, to be matched.
    takes_attributes: ClassVar[bool] = False
    #: Parameters of POST.
    post_parameters: ClassVar[tuple[str, ...]] = ()
    #: Statuses of refusals that only this resource has, for its description.
    own_refusals: ClassVar[tuple[str, ...]] = ()
    #: Whether the body of POST is of any length, and read piece by piece through ``self.body``.
    takes_stream: ClassVar[bool] = False
    body: repetition.Body
    claim: Claim | None = None
    allowance: throttling.Allowance | None = None

    @property
    def scope(self) -> Scope:
        """What the client may see."""
        return cast("Scope", self.request._request.scope)  # type: ignore[attr-defined]

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return cast("Actor", self.request._request.actor)  # type: ignore[attr-defined]

    def initial(self, request: Request, *args: Any, **names: Any) -> None:
        """Refuse who is unknown, who asks too often, and what is not understood; then claim the key of repetition."""
        super().initial(request, *args, **names)
        self._refuse_unknown(request)
        repetition.begin(self)

    def check_throttles(self, request: Request) -> None:
        """Count the request. Raises ``Refused`` for one too many."""
        reads = request.method in {"GET", "HEAD"}
        limit: int = settings.API_READS_PER_MINUTE if reads else settings.API_WRITES_PER_MINUTE
        allowance = throttling.spend(self.actor, "api:read" if reads else "api:write", limit=limit)
        self.allowance = allowance
        if allowance is not None and allowance.wait:
            raise Refused(Problem.TOO_MANY, retry_after=allowance.wait)

    def asked(self) -> dict[str, Any]:
        """The parameters of the query, checked. Raises ValidationError."""
        names = self.query().fields
        given = {
            name: self.request.query_params.getlist(name)
            if isinstance(field, serializers.ListField)
            else self.request.query_params[name]
            for name, field in names.items()
            if name in self.request.query_params
        }
        read = self.query(data=given)
        read.is_valid(raise_exception=True)
        return dict(read.validated_data)

    def unchanged(self, *version: object) -> str:
        """The tag of a version of this very address; ends with 304 when the client has it, before anything is read."""
        etag = _tag(repr((self.request.get_full_path(), *version)).encode())
        self._conditional(etag)
        return etag

    def tag_of(self, data: Any) -> str:
        """The tag that an answer with this data has."""
        return _tag(JSONRenderer().render(data))

    def expect(self, etag: str) -> None:
        """Refuse a change of what is no longer as the client saw it (If-Match, RFC 9110 section 13.1.1)."""
        found = get_conditional_response(self.request._request, etag=etag)
        if found is not None and found.status_code == 412:
            raise Refused(Problem.CHANGED)

    def finalize_response(self, request: Request, response: HttpResponseBase, *args: Any, **names: Any) -> Response:
        """Add version, caching and rates; keep the answer for repetitions."""
        done = super().finalize_response(request, cast("Response", response), *args, **names)
        if isinstance(done, Response):
            done = self._with_version(request, done)
        if not done.has_header("Cache-Control"):
            done["Cache-Control"] = UNKEPT
        patch_vary_headers(done, _VARY)
        if self.allowance is not None:
            done["RateLimit-Limit"] = f"{self.allowance.limit}, {self.allowance.limit};w={throttling.WINDOW}"
            done["RateLimit-Remaining"] = str(self.allowance.left)
        repetition.end(self, done)
        return done

    def handle_exception(self, error: Exception) -> Response:
        """Answer for what was raised; a fault of ours leaves the key of repetition to the next request."""
        try:
            return super().handle_exception(error)
        except Exception:
            repetition.abandon(self)
            raise

    def _with_version(self, request: Request, response: Response) -> Response:
        """Write the body now, and name its version where the view did not."""
        response = cast("Response", response.render())
        if request.method not in {"GET", "HEAD"} or response.status_code != 200:
            return response
        if not response.has_header("ETag"):
            response["ETag"] = _tag(response.content)
        found = get_conditional_response(request._request, etag=response["ETag"], response=response)
        return cast("Response", found)

    def _conditional(self, etag: str) -> None:
        found = get_conditional_response(self.request._request, etag=etag)
        if found is None:
            return
        if found.status_code == 412:
            raise Refused(Problem.CHANGED)
        raise Answered(found)

    def _refuse_unknown(self, request: Request) -> None:
        known = set(self.query().fields) if request.method in {"GET", "HEAD"} else set(self.post_parameters)
        strange = sorted(set(request.query_params) - known)
        if self.takes_attributes and request.method in {"GET", "HEAD"}:
            strange = [name for name in strange if not _may_be_attribute(name)]
        if strange:
            raise Refused(
                Problem.UNKNOWN_PARAMETER,
                more={
                    "errors": [
                        {"name": name[:64], "detail": str(Problem.UNKNOWN_PARAMETER.title)} for name in strange[:20]
                    ],
                    "known_parameters": sorted(known),
                },
            )


def _tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _may_be_attribute(name: str) -> bool:
    """Whether a name is written as DICOM writes attributes: a keyword, which begins with a capital, or eight digits."""
    first = name[:1]
    return first.isascii() and (first.isupper() or first.isdigit())
