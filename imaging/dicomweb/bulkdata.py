"""Bulk data."""

from django.http import Http404, HttpRequest, HttpResponse


def retrieve(request: HttpRequest, **names: str) -> HttpResponse:
    """Not there yet."""
    raise Http404
