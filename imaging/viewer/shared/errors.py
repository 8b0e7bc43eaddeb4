"""What a share answers to what is not there or not allowed: the same to everybody, and no way into the portal."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _


def absent(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404: nothing of a share is there, or none of it is for this reader."""
    title = _("There is nothing here for you to see")
    return _page(request, 404, title, _("The address may be wrong, or it is not part of what was shared with you."))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 403: it is shared, but not for that."""
    title = _("This was not shared for that")
    text = _("You may look at the images. Ask the person who shared them if you need to download them.")
    return _page(request, 403, title, text)


def wrong(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 400: the address or the form carried something unexpected."""
    return _page(request, 400, _("This cannot be read"), _("Nothing was done. Go back, and try once more."))


def failed(request: HttpRequest) -> HttpResponse:
    """Answer 500: something broke on our side."""
    title = _("Something went wrong on our side")
    return _page(request, 500, title, _("The images are safe. Try again in a minute."))


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    context = {"title": title, "text": text, "code": status}
    return render(request, "imaging/sharing/absent.html", context, status=status)
