"""What is due at the privacy desk, and the way to everything else."""

from typing import Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import AccessReview
from accounts.roles import Capability
from accounts.selectors import is_capable
from imaging.privacy.breaches import selectors as breaches
from imaging.privacy.looking.forms import FindForm
from imaging.privacy.officers import for_people_with
from imaging.privacy.requests import selectors as requests

_SHOWN: Final = 8


@require_safe
@for_people_with(Capability.READ_AUDIT, Capability.MANAGE_PRIVACY)
def home(request: HttpRequest) -> HttpResponseBase:
    """Show the desk: clocks that run, requests by the day on which they are due, reviews and corrections that wait."""
    manages = is_capable(request.user, Capability.MANAGE_PRIVACY)
    context: dict[str, Any] = {
        "form": FindForm(),
        "manages": manages,
        "reviews": AccessReview.objects.filter(state=AccessReview.State.OPEN).count(),
    }
    if manages:
        open_requests = requests.open_requests()
        context |= {
            "requests": open_requests[:_SHOWN],
            "request_count": open_requests.count(),
            "overdue": requests.overdue_count(),
            "breaches": breaches.open_breaches()[:_SHOWN],
            "corrections": requests.open_correction_count(),
        }
    return render(request, "imaging/privacy/home.html", context)
