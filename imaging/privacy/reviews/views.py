"""Pages of the accesses to review."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.audit import reviews as decisions
from accounts.audit.snooping import PatientKey
from accounts.models import AccessReview, User
from accounts.roles import Capability
from accounts.signing_in import step_up
from accounts.signing_in.acts import Act
from imaging.privacy import relations
from imaging.privacy.officers import actor_of, for_people_with

_PAGE: Final = 50
_READERS: Final = (Capability.READ_AUDIT, Capability.MANAGE_PRIVACY)
_STATES: Final = (AccessReview.State.EXPLAINED, AccessReview.State.CONFIRMED)


class VerdictForm(forms.Form):
    """What was found."""

    state = forms.ChoiceField(label=gettext_lazy("Finding"), choices=[(state.value, state.label) for state in _STATES])
    note = forms.CharField(label=gettext_lazy("What you found"), max_length=2000)


@require_safe
@for_people_with(*_READERS)
@step_up.required(Act.AUDIT)
def page(request: HttpRequest) -> HttpResponseBase:
    """Show what is to be looked into, the weightiest of the latest day first."""
    is_closed = request.GET.get("show") == "closed"
    rows = AccessReview.objects.exclude(state="open") if is_closed else AccessReview.objects.filter(state="open")
    shown = Paginator(rows.select_related("decided_by"), _PAGE).get_page(request.GET.get("page"))
    keys = {PatientKey(row.patient_id, row.issuer_of_patient_id) for row in shown if row.patient_id}
    patients = relations.patients_of(keys)
    named: Any = AccessReview._meta.get_field("signals")
    signals = dict(named.base_field.choices)
    lines: list[dict[str, Any]] = [
        {
            "row": row,
            "patient": patients.get(PatientKey(row.patient_id, row.issuer_of_patient_id)),
            "signals": [signals.get(signal, signal) for signal in row.signals],
            "is_own": row.actor_kind == "user" and row.actor_id == str(request.user.pk),
        }
        for row in shown
    ]
    audit.record_many(
        audit.Entry(
            action=audit.Action.AUDIT_READ,
            actor=actor_of(request),
            subject_type="accessreview",
            subject_uid=str(row.pk),
            patient_id=row.patient_id,
            issuer_of_patient_id=row.issuer_of_patient_id,
            detail={"asked": "review"},
        )
        for row in shown
    )
    context = {"page": shown, "lines": lines, "is_closed": is_closed, "form": VerdictForm()}
    return render(request, "imaging/privacy/reviews.html", context)


@require_POST
@for_people_with(Capability.MANAGE_PRIVACY)
def decide(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Write down what came of a review."""
    found = AccessReview.objects.filter(pk=pk).first()
    if found is None or not isinstance(request.user, User):
        raise Http404
    form = VerdictForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Nothing was changed: choose a finding and say in a sentence what you found."))
        return redirect("privacy:reviews")
    try:
        decisions.decide(actor=actor_of(request), user=request.user, review=found, **form.cleaned_data)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("privacy:reviews")
