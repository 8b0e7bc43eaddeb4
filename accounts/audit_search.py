"""Asking the audit: what an administrator or privacy officer writes in the form, turned into questions that have an index."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import selectors
from accounts.audit import Action
from accounts.models import MachineKey, User

#: Addresses and departments have no index of their own: without a period, so many days back are searched.
UNINDEXED_DAYS: Final = 31
#: So many accounts of one name are followed; who means more writes the account's own name.
_MOST_NAMED: Final = 50


class AuditQuestion(forms.Form):
    """Who, about whom, when. Every field is optional and narrows the answer."""

    person = forms.CharField(
        label=_("Person or machine"), required=False, max_length=150, help_text=_("Name, or name of the account")
    )
    patient = forms.CharField(label=_("Patient ID"), required=False, max_length=64, help_text=_("Exactly as written"))
    issuer = forms.CharField(
        label=_("Issuer of the patient ID"), required=False, max_length=64, help_text=_("Whose number it is")
    )
    department = forms.ChoiceField(
        label=_("Department of the person"),
        required=False,
        choices=lambda: [("", _("any")), *selectors.departments_by_code()],
        help_text=_("At that moment. Without a period: the last 31 days"),
    )
    subject = forms.CharField(
        label=_("UID or number"), required=False, max_length=128, help_text=_("Of a study, image or setting")
    )
    action = forms.ChoiceField(
        label=_("What was done"), required=False, choices=lambda: [("", _("anything")), *Action.choices]
    )
    address = forms.CharField(
        label=_("Address"), required=False, max_length=64, help_text=_("Without a period: the last 31 days")
    )
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("Until, inclusive"), required=False, widget=forms.DateInput(attrs={"type": "date"}))


class QuestionFilter(admin.ListFilter):
    """The form beside the list of events."""

    title = _("Who, about whom, when")
    template = "admin/accounts/auditevent/question.html"

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: type[Any], model_admin: "ModelAdmin[Any]"
    ) -> None:
        """Take what is asked out of the address."""
        super().__init__(request, params, model, model_admin)
        for name in self.expected_parameters():
            values = params.pop(name, None)
            if values:
                self.used_parameters[name] = str(values[-1]).replace("\x00", "").strip()
        self.form = AuditQuestion(self.used_parameters or None, auto_id="question_%s")
        asked = (*self.expected_parameters(), "p")
        #: What the rest of the page asks: it stays when this form is sent.
        self.kept = [(name, value) for name, value in request.GET.items() if name not in asked]

    def has_output(self) -> bool:
        """Show it always."""
        return True

    def expected_parameters(self) -> list[Any]:
        """Return the names of the form's fields."""
        return list(AuditQuestion.base_fields)

    def choices(self, changelist: Any) -> Any:
        """Give none: the template shows the form."""
        return ()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the events. A form that cannot be read answers nothing, and says what is wrong."""
        if not self.used_parameters:
            return queryset
        if not self.form.is_valid():
            return queryset.none()
        return _answer(queryset, self.form.cleaned_data)


def _answer(events: QuerySet[Any], asked: Mapping[str, Any]) -> QuerySet[Any]:
    events = _within(events, asked["since"], asked["until"], may_be_long=not (asked["address"] or asked["department"]))
    if asked["person"]:
        events = events.filter(by(asked["person"]))
    for column, name in (
        ("action", "action"),
        ("address", "address"),
        ("patient_id", "patient"),
        ("subject_uid", "subject"),
    ):
        if asked[name]:
            # Empty ones are left out of two of the indexes: said here, so that they are used.
            events = events.exclude(**{column: ""}).filter(**{column: asked[name]})
    if asked["issuer"]:
        # Events of which nobody wrote down whose number it was belong to the answer.
        events = events.filter(issuer_of_patient_id__in=[asked["issuer"], ""])
    if asked["department"]:
        events = events.filter(departments__contains=[asked["department"]])
    return events


def _within(events: QuerySet[Any], since: dt.date | None, until: dt.date | None, *, may_be_long: bool) -> QuerySet[Any]:
    if since is None and until is None and not may_be_long:
        since = timezone.localdate() - dt.timedelta(days=UNINDEXED_DAYS)
    if since is not None:
        events = events.filter(at__gte=_midnight(since))
    if until is not None and until < dt.date.max:
        events = events.filter(at__lt=_midnight(until + dt.timedelta(days=1)))
    return events


def by(name: str) -> Q:
    """Return the condition of what was done by whoever goes by this name: account, person, machine or AE title.

    Names become identifiers first: those are indexed, and a person who changed name is still found.
    """
    people = User.objects.filter(
        Q(username__iexact=name) | Q(display_name__icontains=name) | Q(last_name__iexact=name)
    ).values_list("pk", flat=True)[:_MOST_NAMED]
    machines = MachineKey.objects.filter(name__iexact=name).values_list("pk", flat=True)
    return (
        Q(actor_kind="user", actor_id__in=[str(pk) for pk in people])
        | Q(actor_kind="machine", actor_id__in=[str(pk) for pk in machines])
        | Q(actor_kind__in=["application_entity", "system", "share"], actor_id=name)
    )


def _midnight(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))
