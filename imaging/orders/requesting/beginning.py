"""The first page: whose exam it is."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import audit
from imaging.orders.requesting import patients, services
from imaging.orders.requesting.asking import for_askers, the_request
from imaging.orders.requesting.forms import TypedPatientForm
from imaging.orders.requesting.policies import Asker
from imaging.studies.models import Patient


@require_http_methods(["GET", "HEAD", "POST"])
@for_askers
def new(request: HttpRequest, person: Asker) -> HttpResponseBase:
    """Ask whose exam it is; begin the draft for a patient who was found, of a study's page, or as typed."""
    if request.method != "POST":
        return render(request, "imaging/orders/requesting/new.html", {"form": TypedPatientForm()})
    if "text" in request.POST:
        return _looked(request, person)
    if "study" in request.POST or "patient" in request.POST:
        patient = _chosen(request, person)
        if patient is None:
            messages.warning(request, _("This patient is not open to you any more. Look again, or type who it is."))
            return redirect("orders:new")
        return redirect("orders:edit", key=services.begin(person, patient=patient).key)
    form = TypedPatientForm(request.POST)
    if not form.is_valid():
        return render(request, "imaging/orders/requesting/new.html", {"form": form, "is_typing": True}, status=422)
    return redirect("orders:edit", key=services.begin(person, typed=form.columns()).key)


def _chosen(request: HttpRequest, person: Asker) -> Patient | None:
    if "study" in request.POST:
        return patients.of_study(person.scope, request.POST["study"])
    return patients.opened(person, request.POST["patient"])


def _looked(request: HttpRequest, person: Asker) -> HttpResponseBase:
    """Show the patients that a text finds. Posted, so that no name stands in an address or a log."""
    text = request.POST["text"][:128]
    rows = patients.found(person, text)
    for patient in rows:
        audit.record_read(
            audit.Action.METADATA_READ,
            actor=person.actor,
            subject_type="patient",
            subject_uid=str(patient.pk),
            patient_id=patient.patient_id,
            issuer_of_patient_id=patient.issuer_of_patient_id,
        )
    found = [(patient, patients.sealed(person, patient)) for patient in rows]
    context = {
        "found": found,
        "is_looked": len(text.strip()) > 1,
        "text": text,
        "form": TypedPatientForm(),
        "is_full": len(found) >= patients.MOST_FOUND,
        "joins": request.POST.get("joins", "")[:36],
    }
    is_part = bool(request.headers.get("HX-Request"))
    page = "_patients.html" if is_part else "new.html"
    return render(request, f"imaging/orders/requesting/{page}", context)


@require_POST
@for_askers
def copy(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Begin a draft like a request that one sees."""
    found = the_request(person, key)
    if found.requesting_department_id not in person.departments and found.requester_id != person.user.pk:
        raise PermissionDenied
    return redirect("orders:edit", key=services.copy(person, found).key)
