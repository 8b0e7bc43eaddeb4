"""The study list: the page, and its rows alone, which refresh by a cheap conditional request."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import Department
from accounts.roles import Right
from imaging.studies import selectors as studies
from imaging.studies.models import Study
from imaging.viewer import pictures, wording
from imaging.viewer.addresses import ListAddress
from imaging.viewer.filters import Asked, Chip, asked

PAGE_SIZE = 50
_MOST_MODALITIES = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One study as a line of the list; texts that the template cannot make itself."""

    study: Study
    departments: str
    thumbnail: str
    is_fresh: bool
    now: dt.datetime

    @property
    def modalities(self) -> list[str]:
        """The first modalities: more than a few would push the description away."""
        return self.study.modalities[:_MOST_MODALITIES]

    @property
    def is_today(self) -> bool:
        """Whether the study is of today, in the reader's zone."""
        return timezone.localdate(self.study.study_at) == timezone.localdate(self.now)

    @property
    def received_today(self) -> bool:
        """Whether its last image came today."""
        return timezone.localdate(self.study.last_received_at) == timezone.localdate(self.now)

    @property
    def ago(self) -> str:
        """How long ago the study was made."""
        return wording.ago(self.study.study_at, self.now) if self.study.study_time_known else ""

    @property
    def machine_time(self) -> str:
        """The study's date, with its time where that is known, for `datetime`."""
        local = timezone.localtime(self.study.study_at)
        return local.isoformat() if self.study.study_time_known else local.date().isoformat()


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponseBase:
    """Show the list, with filters as they stand in the address."""
    if any(not value for name in request.GET for value in request.GET.getlist(name)):
        # A form sends its empty fields too; the address that people keep and pass on has none.
        return redirect(ListAddress(request.GET).where())
    wanted = asked(request.GET, request.scope)  # type: ignore[attr-defined]
    return render(request, "imaging/viewer/study_list.html", {**_frame(request, wanted), **_body(request, wanted)})


@require_safe
@login_required
def rows(request: HttpRequest) -> HttpResponseBase:
    """Give the rows alone; 304 while nothing that this reader sees has changed."""
    wanted = asked(request.GET, request.scope)  # type: ignore[attr-defined]
    same = get_conditional_response(request, etag=_version(request, wanted))
    if same is not None:
        return same
    body = {**_body(request, wanted), "is_fragment": True}
    return _private(render(request, "imaging/viewer/_study_rows_refreshed.html", body), body["etag"])


def _private(response: HttpResponse, etag: str) -> HttpResponse:
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return response
