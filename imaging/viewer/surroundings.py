"""What lies around an image's page: the portal, or nothing but a share."""

from django.http import HttpRequest
from django.urls import reverse


def is_shared(request: HttpRequest) -> bool:
    """Whether somebody looks by a link: of the portal's pages there are only those that a share has."""
    return bool(getattr(request, "share_key", ""))


def around(request: HttpRequest, study_instance_uid: str) -> str:
    """Return the page from which a study's images are opened: its own, or that of the share that holds it."""
    if is_shared(request):
        return reverse("share:page")
    return reverse("viewer:study", args=[study_instance_uid])
