"""Metadata."""

from django.http import Http404, HttpRequest, HttpResponse


def of_study(request: HttpRequest, **names: str) -> HttpResponse:
    """Not there yet."""
    raise Http404


def of_series(request: HttpRequest, **names: str) -> HttpResponse:
    """Not there yet."""
    raise Http404


def of_instance(request: HttpRequest, **names: str) -> HttpResponse:
    """Not there yet."""
    raise Http404
