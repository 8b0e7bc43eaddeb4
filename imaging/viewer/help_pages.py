"""The pages of help: the same text as a page of its own, and as the inside of the dialog that any page opens."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from imaging.viewer.help_topics import FOR_STAFF, TOPICS, text_of


@require_safe
@login_required
def page(request: HttpRequest, topic: str = TOPICS[0]) -> HttpResponseBase:
    """Show the help of one kind of page, with the way to all others."""
    if topic not in TOPICS:
        raise Http404
    is_staff = bool(getattr(request.user, "is_staff", False))
    texts = [text_of(other) for other in TOPICS if is_staff or other == topic or other not in FOR_STAFF]
    context = {"text": text_of(topic), "texts": texts}
    template = "imaging/viewer/_help.html" if "HX-Request" in request.headers else "imaging/viewer/help.html"
    response = render(request, template, context)
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["HX-Request"])
    return response
