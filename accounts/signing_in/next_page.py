"""Where somebody goes on to: on this very host, or to the first page."""

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def next_address(request: HttpRequest) -> str:
    """Return where the form wants to go on, if that is on this very host; otherwise the first page."""
    return safe_address(request, request.POST.get("next") or request.GET.get("next") or "/")


def safe_address(request: HttpRequest, wanted: str) -> str:
    """Return ``wanted`` if it lies on this very host; otherwise the first page."""
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    # A bare word would be read as the name of a page.
    return wanted if safe and wanted.startswith(("/", "https://", "http://")) else "/"
