"""gzip for text answers (RFC 9110 section 12.5.3): headers and search results shrink to a tenth."""

import gzip
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

#: Below this a compressed answer is hardly shorter than a packet.
_WORTH_IT: Final = 1_024
#: Most of the gain at a fraction of the time.
_LEVEL: Final = 4
_LONGEST: Final = 1_024


def accepts_gzip(request: HttpRequest) -> bool:
    """Whether the client takes gzip."""
    header = request.headers.get("Accept-Encoding", "")[:_LONGEST].lower()
    for entry in header.split(","):
        coding, *parameters = (part.strip() for part in entry.split(";"))
        if coding in {"gzip", "*"}:
            return all(
                parameter.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"} for parameter in parameters
            )
    return False


def compressed(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The answer, shorter where the client takes it so; its tag stays, weak, as it names the same content."""
    patch_vary_headers(response, ["Accept-Encoding"])
    if len(response.content) < _WORTH_IT or not accepts_gzip(request):
        return response
    response.content = gzip.compress(response.content, _LEVEL, mtime=0)
    response["Content-Encoding"] = "gzip"
    if response.has_header("ETag") and not response["ETag"].startswith("W/"):
        response["ETag"] = f"W/{response['ETag']}"
    return response
