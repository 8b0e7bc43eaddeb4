"""Rendered."""

from django.http import Http404, HttpRequest, HttpResponse


def of_instance(request: HttpRequest, **names: str) -> HttpResponse:
    """Not there yet."""
    raise Http404


def thumbnail_of_instance(request: HttpRequest, **names: str) -> HttpResponse:
    """Not there yet."""
    raise Http404


def of_frames(request: HttpRequest, **names: str) -> HttpResponse:
    """Not there yet."""
    raise Http404


def thumbnail_of_frames(request: HttpRequest, **names: str) -> HttpResponse:
    """Not there yet."""
    raise Http404
