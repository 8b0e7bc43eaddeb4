"""What every answer carries, whoever gives it: a page, a fragment, a picture, an error, a file of ours.

An answer that says nothing of caching is kept by nobody: what is forgotten is safe. Pictures and versions say for
themselves what a browser may keep, and for whom.
"""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

#: Powers of a browser that no page of ours asks for, so that nothing that gets into a page can have them.
_NEVER: Final = (
    *("accelerometer", "browsing-topics", "camera"),
    *("display-capture", "encrypted-media", "geolocation", "gyroscope", "hid", "idle-detection", "local-fonts"),
    *("magnetometer", "microphone", "midi", "payment", "serial", "usb", "window-management", "xr-spatial-tracking"),
)
#: What our own pages do: pictures in full, films, passkeys, an address to copy.
_OURS: Final = (
    *("autoplay", "clipboard-read", "clipboard-write", "fullscreen", "picture-in-picture"),
    *("publickey-credentials-create", "publickey-credentials-get", "screen-wake-lock"),
)

ALWAYS: Final = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join([*(f"{name}=()" for name in _NEVER), *(f"{name}=(self)" for name in _OURS)]),
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "X-Permitted-Cross-Domain-Policies": "none",
}
#: For an answer that says ``may_listen``: the editor of reports, where the hospital allows dictation.
LISTENING: Final = ALWAYS["Permissions-Policy"].replace("microphone=()", "microphone=(self)")
UNKEPT: Final = "private, no-store"


class ResponseHeaders:
    """Middleware, the outermost: adds what is missing to whatever comes out."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, with every header."""
        response = self.get_response(request)
        if getattr(response, "may_listen", False):
            response.headers["Permissions-Policy"] = LISTENING
        for name, value in ALWAYS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", UNKEPT)
        return response
