"""Requests of a part of a page (htmx, `fetch`), and which page they come from."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest


def is_part_of_a_page(request: HttpRequest) -> bool:
    """Whether a part of a page is asked for: one that would follow a redirect and put a whole page into a table."""
    return "HX-Request" in request.headers or request.headers.get("X-Requested-With") == "fetch"


def page_of(request: HttpRequest) -> str:
    """Return path and query of the page that asked, if it is one of ours; else the first page."""
    page = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer", ""))
    if page.netloc != request.get_host() or not page.path.startswith("/") or page.path.startswith("//"):
        return str(settings.LOGIN_REDIRECT_URL)
    return f"{page.path}?{page.query}" if page.query else page.path
