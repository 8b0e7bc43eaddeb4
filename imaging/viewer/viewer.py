"""The viewer."""

from django.http import Http404, HttpRequest, HttpResponse


def page(request: HttpRequest, **names: str) -> HttpResponse:
    """Not there yet."""
    raise Http404


def manifest(request: HttpRequest, **names: str) -> HttpResponse:
    """Not there yet."""
    raise Http404
