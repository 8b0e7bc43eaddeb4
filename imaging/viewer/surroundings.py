"""What lies around an image's page: the portal, or nothing but a share."""

from django.http import HttpRequest
from django.urls import reverse

from accounts.scope import Scope
from imaging.sharing.collections import doors as collections


def is_shared(request: HttpRequest) -> bool:
    """Whether somebody looks by a link: of the portal's pages there are only those that a share has."""
    return bool(getattr(request, "share_key", ""))


def around(request: HttpRequest, study_instance_uid: str) -> str:
    """Return the page from which a study's images are opened: its own, that of the share, or of the collection in hand."""
    if is_shared(request):
        return reverse("share:page")
    if key := collections.member_of(request, request.GET.get("in", "")):
        return reverse("collections:collection", args=[key])
    return reverse("viewer:study", args=[study_instance_uid])


def shows_all_of_study(scope: Scope, study_instance_uid: str) -> bool:
    """Whether nothing of a study is kept back from who sees it: no part of one is open to them by its own name."""
    return study_instance_uid in scope.studies or not (scope.series or scope.instances)


def shows_all_of_series(scope: Scope, study_instance_uid: str, series_instance_uid: str) -> bool:
    """Whether nothing of a series is kept back from who sees it."""
    return study_instance_uid in scope.studies or series_instance_uid in scope.series or not scope.instances
