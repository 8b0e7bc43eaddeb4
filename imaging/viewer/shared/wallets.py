"""What health wallets ask of a share: the manifest of a SMART Health Link, and its files (SMART Health Links 1.0.0).

The only addresses of the portal that pages of other sites may ask, as the standard wants it: no cookie counts here, and what
is answered opens with the link's key alone. So they need no check of forgery either.
"""

import functools
from collections.abc import Callable
from typing import Any, Concatenate, Final, ParamSpec

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from accounts.addresses import client_address
from imaging.sharing import door, log
from imaging.sharing import selectors as sharing
from imaging.sharing.entrance.services import Opened, Refused
from imaging.sharing.health_link import files, keys, selectors, services
from imaging.sharing.health_link.files import Location
from imaging.sharing.health_link.services import Absent, Entered, WrongPasscode
from imaging.viewer.shared import wallet_bundle

P = ParamSpec("P")
_View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

#: What a wallet posts is a name, a passcode and a number.
_LONGEST_QUESTION: Final = 4096
#: Characters that a file may have to come with the manifest, where a wallet does not say.
_EMBEDDED: Final = 65_536
_JOSE: Final = "application/jose"


def for_wallets(method: str) -> Callable[[_View[P]], _View[P]]:
    """Make an address that wallets in browsers may ask from any site, by this method (and the question before it)."""

    def made(view: _View[P]) -> _View[P]:
        @csrf_exempt
        @functools.wraps(view)
        def answer(request: HttpRequest, *args: P.args, **names: P.kwargs) -> HttpResponseBase:
            if request.method == "OPTIONS":
                response: HttpResponseBase = HttpResponse(status=204)
                response["Access-Control-Allow-Methods"] = method
                response["Access-Control-Allow-Headers"] = "content-type"
                response["Access-Control-Max-Age"] = "600"
            elif request.method != method:
                response = HttpResponseNotAllowed([method, "OPTIONS"])
            else:
                response = view(request, *args, **names)
            response["Access-Control-Allow-Origin"] = "*"
            response["Access-Control-Expose-Headers"] = "Retry-After"
            response["Cross-Origin-Resource-Policy"] = "cross-origin"
            response["Cache-Control"] = "no-store"
            return response

        return answer  # type: ignore[return-value]

    return made


@for_wallets("POST")
def manifest(request: HttpRequest, token: str) -> HttpResponseBase:
    """Give the list of files to who has the passcode. 401 tells how many tries are left, 404 that there is no such link."""
    asked = _question(request)
    if asked is None:
        return JsonResponse({"error": "recipient is missing, or this is no manifest request"}, status=400)
    key: str = request.share_key  # type: ignore[attr-defined]
    recipient, passcode, longest = asked
    try:
        entered = services.enter(key, token, passcode, recipient=recipient, address=client_address(request))
    except Absent:
        return _absent()
    except WrongPasscode as error:
        return JsonResponse({"remainingAttempts": error.remaining}, status=401)
    except Refused as error:
        response = JsonResponse({"error": error.why}, status=429)
        response["Retry-After"] = str(error.wait)
        return response
    return JsonResponse({"status": "can-change", "files": _files(request, token, entered, longest)})


def _question(request: HttpRequest) -> tuple[str, str, int] | None:
    """Who asks, the passcode, and how long a file may be to come with the manifest. None for what is no such question."""
    if len(request.body) > _LONGEST_QUESTION:
        return None
    try:
        # Unlike json of the standard library it refuses what goes too deep, and halves of characters.
        sent: Any = orjson.loads(request.body)
    except ValueError:
        return None
    if not isinstance(sent, dict):
        return None
    recipient, passcode = sent.get("recipient"), sent.get("passcode", "")
    longest = sent.get("embeddedLengthMax", _EMBEDDED)
    if not isinstance(recipient, str) or not recipient.strip() or not isinstance(passcode, str):
        return None
    if not isinstance(longest, int) or isinstance(longest, bool) or longest < 0:
        return None
    return recipient.strip().replace("\x00", ""), passcode[:64], longest


def _files(request: HttpRequest, token: str, entered: Entered, longest: int) -> list[dict[str, str]]:
    """The files of a manifest: one Bundle, or none where nothing is open at the moment."""
    visit = entered.opened.visit
    found = wallet_bundle.of(wallet_bundle.visited(request, visit), visit, entered.opened.token)
    if found is None:
        return []
    sealed = files.encrypted(found, entered.key)
    if len(sealed) <= longest:
        _handed(request, entered.opened)
        return [{"contentType": files.CONTENT_TYPE, "embedded": sealed}]
    place = files.sealed(Location(visit.share.key, token, entered.opened.token))
    address = f"{settings.PUBLIC_URL}{door.address_of(visit.share.key)}shl/files/{place}"
    return [{"contentType": files.CONTENT_TYPE, "location": address}]


@for_wallets("GET")
def file(request: HttpRequest, place: str) -> HttpResponseBase:
    """Give a file that a manifest named less than an hour ago, encrypted; as it is at this moment."""
    key: str = request.share_key  # type: ignore[attr-defined]
    location = files.location_of(place, share=key)
    link = selectors.asked_for(key, location.token) if location else None
    visit = sharing.visit_of(key, location.bearer, is_program=True) if location else None
    files_key = keys.known_key(location.token, link.key_digest) if location and link else None
    if location is None or visit is None or files_key is None:
        return _absent()
    found = wallet_bundle.of(wallet_bundle.visited(request, visit), visit, location.bearer)
    if found is None:
        return _absent()
    _handed(request, Opened(visit, location.bearer))
    return HttpResponse(files.encrypted(found, files_key), content_type=_JOSE)


def _handed(request: HttpRequest, opened: Opened) -> None:
    """Put on record that studies and reports left by a wallet."""
    wallet_bundle.record(request, opened.visit)
    log.note_look(opened.visit, "share:download", "")


def _absent() -> HttpResponse:
    return JsonResponse({"error": "not found"}, status=404)
