"""The part of a content that a browser asks for (RFC 9110 section 14): to go on where a download broke off, to seek in a video."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

_RANGE: Final = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


@dataclass(frozen=True, slots=True)
class Asked:
    """``length`` bytes from ``start``, of ``total``; ``is_part`` when not simply all of it was asked for."""

    start: int
    length: int
    total: int
    is_part: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing lies there: 416."""
        return self.is_part and self.length <= 0


def asked(request: HttpRequest, total: int, etag: str = "") -> Asked:
    """What the request asks for. ``etag`` (with its quotes) is the version that `If-Range` has to name for a part.

    Several ranges, other units and what cannot be read are answered with the whole, as RFC 9110 allows.
    """
    found = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    condition = request.headers.get("If-Range", "").strip()
    whole = Asked(0, total, total, is_part=False)
    if found is None or (condition and condition != etag):
        return whole
    first, last = found.groups()
    if not first:
        size = min(int(last or 0), total)
        return Asked(total - size, size, total, is_part=True) if last else whole
    if last and int(last) < int(first):
        return whole
    end = min(int(last), total - 1) if last else total - 1
    return Asked(int(first), end - int(first) + 1, total, is_part=True)


def answer(part: Asked, content_type: str, read: Callable[[], Iterable[bytes]]) -> HttpResponseBase:
    """200, 206 or 416; ``read`` is called when there is something to give."""
    if part.is_empty:
        refused = HttpResponse(status=416, content_type="text/plain; charset=utf-8")
        refused["Content-Range"] = f"bytes */{part.total}"
        return refused
    response = StreamingHttpResponse(read(), content_type=content_type, status=206 if part.is_part else 200)
    response["Content-Length"] = str(part.length)
    response["Accept-Ranges"] = "bytes"
    response["X-Content-Type-Options"] = "nosniff"
    if part.is_part:
        response["Content-Range"] = f"bytes {part.start}-{part.start + part.length - 1}/{part.total}"
    return response
