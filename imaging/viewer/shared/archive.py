"""For who has an archive of their own: the DICOMweb address of a share, and a short-lived token that opens it and nothing else."""

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.addresses import client_address
from accounts.roles import Right
from imaging.sharing import door
from imaging.sharing.entrance import services
from imaging.sharing.entrance.services import Opened, Refused
from imaging.sharing.entrance.words import REFUSALS
from imaging.sharing.models import ShareVisit


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponseBase:
    """Say how images get into another archive; a POST gives a token, which is shown this once."""
    visit: ShareVisit = request.share_visit  # type: ignore[attr-defined]
    if not request.scope.named_with(Right.DOWNLOAD):  # type: ignore[attr-defined]
        raise PermissionDenied
    given: Opened | None = None
    refused: Refused | None = None
    if request.method == "POST":
        try:
            given = services.give_token(visit, address=client_address(request))
        except Refused as error:
            refused = error
    said = REFUSALS[refused.why] if refused else None
    context = {
        "address": f"{settings.PUBLIC_URL}{door.address_of(visit.share.key)}dicom-web",
        "given": given,
        "said": said,
        "hours": int(services.TOKEN_LASTS.total_seconds() // 3600),
    }
    return render(request, "imaging/sharing/archive.html", context, status=said.status if said else 200)
