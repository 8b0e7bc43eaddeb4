"""The study page."""

from django.http import Http404, HttpRequest, HttpResponse


def page(request: HttpRequest, **names: str) -> HttpResponse:
    """Not there yet."""
    raise Http404


def series_strip(request: HttpRequest, **names: str) -> HttpResponse:
    """Not there yet."""
    raise Http404


def problems(request: HttpRequest, **names: str) -> HttpResponse:
    """Not there yet."""
    raise Http404


def retry(request: HttpRequest, **names: str) -> HttpResponse:
    """Not there yet."""
    raise Http404
