"""Answers that were made lately, by address and tag, so that asking again costs no work: bounded in bytes, one for each process.

A tag says which content it is and which part of it the reader may see, so that nobody is given what another one saw. Packed once
for all who take gzip (RFC 9110 section 8.4.1.3): headers shrink to a tenth.
"""

import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from imaging.dicomweb import answers

_MOST: Final = 32 * 1024 * 1024
#: Fast: JSON of headers shrinks nearly as far as with more work.
_LEVEL: Final = 1
_GZIP: Final = 16 + zlib.MAX_WBITS


#: Path, tag, and whether it is packed: the same tag stands for a series and for each of its instances.
Key = tuple[str, str, bool]


class _Memory:
    """Contents by path and tag, the ones used last kept."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._kept: OrderedDict[Key, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> bytes | None:
        """The content, if it is remembered."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: Key, content: bytes) -> None:
        """Remember a content and forget the oldest; one that is large beside the others is not kept."""
        with self._lock:
            if len(content) > self._limit // 4 or key in self._kept:
                return
            self._kept[key] = content
            self._size += len(content)
            while self._size > self._limit:
                _key, dropped = self._kept.popitem(last=False)
                self._size -= len(dropped)

    def clear(self) -> None:
        """Forget everything, as a new process would."""
        with self._lock:
            self._kept.clear()
            self._size = 0


remembered: Final = _Memory(_MOST)


def answer(request: HttpRequest, tag: str, content_type: str, read: Callable[[], bytes]) -> HttpResponse:
    """The content of this tag (without quotation marks), packed for who takes that; 304 for who has it. ``read`` makes it."""
    is_packed = _takes_gzip(request.headers.get("Accept-Encoding", ""))
    named = f"{tag}-gzip" if is_packed else tag
    same = answers.unchanged(request, f'"{named}"')
    if same is not None:
        patch_vary_headers(same, ["Accept-Encoding"])
        return same  # type: ignore[return-value]
    content = b"" if request.method == "HEAD" else _content((request.path, tag), is_packed, read)
    response = HttpResponse(content, content_type=content_type)
    if is_packed:
        response["Content-Encoding"] = "gzip"
    response["ETag"] = f'"{named}"'
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


def _content(key: tuple[str, str], is_packed: bool, read: Callable[[], bytes]) -> bytes:
    """The content as it goes out, made or remembered; whoever asks for it packed after plain, or plain after packed, too."""
    found = remembered.get((*key, is_packed))
    if found is not None:
        return found
    content = remembered.get((*key, False)) or read()
    if is_packed:
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        content = packer.compress(content) + packer.flush()
    remembered.put((*key, is_packed), content)
    return content


def _takes_gzip(header: str) -> bool:
    for entry in header[:500].lower().split(","):
        coding, _semicolon, quality = entry.strip().partition(";")
        if coding.strip() == "gzip":
            return quality.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
