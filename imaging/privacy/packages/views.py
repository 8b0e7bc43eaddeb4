"""Asking for a package on the page of a request, following it, stopping it, downloading it."""

from typing import Final

from django import forms
from django.contrib import messages
from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.models import Language
from accounts.roles import Capability
from accounts.signing_in import step_up
from accounts.signing_in.acts import Act
from imaging.privacy.looking.views import not_on_record
from imaging.privacy.models import DataPackage, DataSubjectRequest
from imaging.privacy.officers import actor_of, for_people_with
from imaging.privacy.packages import services

_officer: Final = for_people_with(Capability.MANAGE_PRIVACY)


class PackageForm(forms.Form):
    """In which language, with or without images."""

    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=Language.choices)
    has_images = forms.BooleanField(label=gettext_lazy("With the images"), required=False)


@require_POST
@_officer
@step_up.required(Act.EXPORT)
def ask(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Have a package made."""
    found = get_object_or_404(DataSubjectRequest.objects.select_related("patient"), pk=pk, patient__isnull=False)
    form = PackageForm(request.POST)
    if not form.is_valid() or not found.is_open:
        messages.error(request, _("Nothing was prepared: choose a language, on a request that is open."))
        return redirect("privacy:request", pk=pk)
    try:
        services.ask(found, actor=actor_of(request), **form.cleaned_data)
    except audit.AuditUnavailable:
        not_on_record(request)
    return redirect("privacy:request", pk=pk)


@require_safe
@_officer
def progress(request: HttpRequest, key: str) -> HttpResponseBase:
    """Show how far a package is; the fragment asks again while it is under way."""
    return render(request, "imaging/privacy/_package.html", {"package": _found(key)})


@require_POST
@_officer
def cancel(request: HttpRequest, key: str) -> HttpResponseBase:
    """Stop a package that is under way."""
    found = _found(key)
    if services.cancel(found):
        messages.success(request, _("Stopped. Nothing of it is kept."))
    return redirect("privacy:request", pk=found.request_id)


@require_POST
@_officer
@step_up.required(Act.EXPORT)
def download(request: HttpRequest, key: str) -> HttpResponseBase:
    """Give the package, on record first."""
    found = _found(key)
    try:
        file = services.hand_over(found, actor=actor_of(request))
    except services.NotReady:
        messages.error(request, _("There is nothing to download: prepare the copy anew."))
        return redirect("privacy:request", pk=found.request_id)
    except audit.AuditUnavailable:
        not_on_record(request)
        return redirect("privacy:request", pk=found.request_id)
    response = FileResponse(
        file, as_attachment=True, filename=f"{found.request.reference}.zip", content_type="application/zip"
    )
    response["Cache-Control"] = "private, no-store"
    return response


def _found(key: str) -> DataPackage:
    return get_object_or_404(DataPackage.objects.select_related("patient", "request"), key=key)
