"""Retrieve."""

from django.http import Http404, HttpRequest, HttpResponse


def study(request: HttpRequest, **names: str) -> HttpResponse:
    """Not there yet."""
    raise Http404


def series(request: HttpRequest, **names: str) -> HttpResponse:
    """Not there yet."""
    raise Http404


def instance(request: HttpRequest, **names: str) -> HttpResponse:
    """Not there yet."""
    raise Http404
