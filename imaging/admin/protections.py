"""The desk of labels in the admin: which there are, putting them on by number, taking them off; and who can see a study."""

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import audit, powers
from accounts.admin_rooms import Room
from accounts.admin_site import Page, PortalAdminSite
from accounts.audit import Action
from accounts.audited_admin import AuditedModelAdmin
from accounts.labels import Label
from accounts.models import User
from accounts.powers import Further
from accounts.roles import Capability
from accounts.selectors import is_capable
from imaging.studies import readers
from imaging.studies import services as studies
from imaging.studies.models import Patient, Protection, Study
from imaging.studies.reasons import Way

_WAYS: Final = {
    Way.DEPARTMENT: gettext_lazy("the department has the study"),
    Way.GRANT: gettext_lazy("access was granted"),
    Way.LENT: gettext_lazy("member of a collection"),
    Way.EMERGENCY: gettext_lazy("emergency access"),
}


class ProtectionForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new label: on whom or what is named by number, and why is said."""

    study_number = forms.CharField(
        label=gettext_lazy("Study"),
        required=False,
        max_length=64,
        help_text=gettext_lazy("Its Study Instance UID, or its accession number."),
    )
    patient_number = forms.CharField(
        label=gettext_lazy("Patient ID"),
        required=False,
        max_length=64,
        help_text=gettext_lazy("In place of a study: all studies of the patient there are and will be."),
    )
    issuer = forms.CharField(label=gettext_lazy("Issuer of the patient ID"), required=False, max_length=64)

    class Meta:
        model = Protection
        fields = ("label", "reason")

    target: Patient | Study

    def __init__(self, *args: Any, may_restrict: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "label" in self.fields:
            self.fields["reason"].required = True
            labels = [(item.value, item.label) for item in Label if item is not Label.RESTRICTED or may_restrict]
            self.fields["label"] = forms.ChoiceField(label=gettext_lazy("Label"), choices=labels)

    def clean(self) -> dict[str, Any]:
        """Find what is named: one study or one patient."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        study, patient = cleaned.get("study_number", ""), cleaned.get("patient_number", "")
        if bool(study) == bool(patient):
            raise forms.ValidationError(_("Name a study or a patient: one of the two."))
        found: Patient | Study | None = (
            readers.study_named(study) if study else readers.patient_named(cleaned.get("issuer", ""), patient)
        )
        if found is None:
            raise forms.ValidationError(
                _(
                    "Nothing, or more than one, is known by this number. Nothing was changed: give the UID, or the issuer."
                )
            )
        self.target = found
        return cleaned

    def _post_clean(self) -> None:
        """Leave the row to the service that makes it."""


@admin.register(Protection)
class ProtectionAdmin(AuditedModelAdmin[Protection]):
    """Labels on patients and studies. Never changed or deleted: put on, and taken off with a reason."""

    room = Room.IMAGES
    list_display = ("label", "about", "reason", "origin", "set_at", "set_by", "lifted_at", "lifted_by")
    list_filter = ("label", "origin", ("lifted_at", admin.EmptyFieldListFilter))
    search_fields = ("=patient__patient_id", "=study__study_instance_uid", "=study__accession_number")
    list_select_related = ("patient", "study", "set_by")
    ordering = ("-pk",)
    change_form_template = "admin/imaging/protection/change_form.html"

    @admin.display(description=gettext_lazy("of"))
    def about(self, obj: Protection) -> str:
        """Name the patient or the study by number: a label is no reason to read a name."""
        if obj.patient is not None:
            return _("patient %(number)s") % {"number": obj.patient.patient_id or obj.patient_id}
        return _("study %(number)s") % {"number": obj.study.study_instance_uid if obj.study else ""}

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Show them to the privacy desk: which records are protected is told of the whole hospital, with reasons."""
        return _may_ask(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """As for viewing."""
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Leave it to the privacy desk: it names any patient, whatever the department."""
        return is_capable(request.user, Capability.MANAGE_PRIVACY)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A label is not changed; it is taken off."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return no."""
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Offer a restriction to the privacy desk alone."""
        if obj is not None:
            return super().get_form(request, obj, change, **kwargs)
        may_restrict = is_capable(request.user, Capability.MANAGE_PRIVACY)

        class Form(ProtectionForm):
            def __init__(self, *args: Any, **names: Any) -> None:
                super().__init__(*args, may_restrict=may_restrict, **names)

        return Form

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What is typed for a new one, and all there is of one that exists."""
        if obj is None:
            return ("study_number", "patient_number", "issuer", "label", "reason")
        return ("label", "about", "reason", "origin", "set_at", "set_by", "lifted_at", "lifted_by")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Everything, once it exists."""
        return () if obj is None else self.get_fields(request, obj)

    def save_model(self, request: HttpRequest, obj: Protection, form: Any, change: bool) -> None:
        """Write through the service."""
        said = form.cleaned_data
        made = studies.protect(form.target, said["label"], reason=said["reason"], actor=self.actor(request))
        obj.pk = made.pk
        obj.refresh_from_db()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show one; a POST takes it off."""
        held = self.get_object(request, object_id)
        may_lift = held is not None and held.lifted_at is None and self._may_lift(request)
        if request.method == "POST":
            if held is None or not may_lift:
                raise PermissionDenied
            try:
                studies.lift_protection(held, reason=request.POST.get("reason", ""), actor=self.actor(request))
                messages.success(request, _("The label was taken off."))
            except studies.ReasonMissing:
                messages.error(request, _("Nothing was changed: say why, in a few words."))
            return HttpResponseRedirect(request.path)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "may_lift": may_lift})

    def _may_lift(self, request: HttpRequest) -> bool:
        return is_capable(request.user, Capability.MANAGE_PRIVACY)


def _may_ask(request: HttpRequest) -> bool:
    wanted = (Capability.READ_AUDIT, Capability.MANAGE_PRIVACY)
    return any(is_capable(request.user, capability) for capability in wanted)


def who_can_see(request: HttpRequest) -> HttpResponse:
    """Say who can see a study now, and why; that it was asked is on record."""
    if not _may_ask(request):
        raise PermissionDenied
    asked = request.GET.get("study", "").strip()[:64]
    study = readers.study_named(asked) if asked else None
    if study is not None:
        audit.record(
            Action.ACCESS_EXPLAINED,
            actor=request.actor,  # type: ignore[attr-defined]
            subject_type="study",
            subject_uid=study.study_instance_uid,
            patient_id=study.patient.patient_id,
            issuer_of_patient_id=study.patient.issuer_of_patient_id,
        )
    found = readers.readers_of(study) if study is not None else None
    people = [
        {
            "reader": reader,
            "way": _WAYS[reader.way],
            "rights": ", ".join(str(right.label) for right in sorted(reader.rights)),
        }
        for reader in (found.people if found else ())
    ]
    context = {
        **admin.site.each_context(request),
        "title": _("Who can see a study"),
        "asked": asked,
        "study": study,
        "label": Label(study.sensitivity).label if study and study.sensitivity in Label.values else "",
        "people": people,
        "machines": found.machines if found else (),
    }
    return render(request, "admin/imaging/who_can_see.html", context)


def granted_to(user: User) -> Further | None:
    """Tell the page of what a person can do which grants the person holds alone: how many, of what kind, until when."""
    found = readers.grants_of(user)
    if not found:
        return None
    lines = tuple(
        _("%(what)s, %(gives)s, %(basis)s%(until)s")
        % {
            "what": _("a patient with all studies") if grant.patient_id else _("one study"),
            "gives": grant.get_gives_display(),
            "basis": grant.get_basis_display(),
            "until": _(", until %(end)s") % {"end": date_format(localtime(grant.until), "SHORT_DATETIME_FORMAT")}
            if grant.until
            else "",
        }
        for grant in found[:50]
    )
    heading = ngettext("%(count)d grant to this person alone", "%(count)d grants to this person alone", len(found))
    return Further(heading % {"count": len(found)}, lines)


powers.tell_further(granted_to)
if isinstance(admin.site, PortalAdminSite):
    admin.site.add_page(
        Page(
            route="who-can-see/",
            url_name="who_can_see",
            name=gettext_lazy("Who can see a study"),
            room=Room.AUDIT,
            view=who_can_see,
            may_open=_may_ask,
        )
    )
