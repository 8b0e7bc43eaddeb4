"""Admin pages of memberships and groups of departments: who has which role where, given with warnings, and told as a table."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.forms import BaseModelFormSet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit, powers, review, services
from accounts.admin_rooms import Room
from accounts.audit import Action
from accounts.audited_admin import AuditedModelAdmin, SpokenInline
from accounts.labels import CLEARABLE, Label
from accounts.models import DepartmentGroup, Membership, User
from accounts.roles import Right
from accounts.signing_in import step_up
from accounts.signing_in.acts import Act
from accounts.spreadsheet import cell, separator_of

_CLEARABLE: Final = [(label.value, label.label) for label in Label if label in CLEARABLE]


class MembershipForm(forms.ModelForm):  # type: ignore[type-arg]
    """A membership: labels as boxes to tick; a new one that gives nothing is refused."""

    clears = forms.MultipleChoiceField(
        label=gettext_lazy("Cleared for"),
        choices=_CLEARABLE,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Labels that do not keep this person away here, beside those that the role clears."),
    )

    class Meta:
        model = Membership
        fields = ("user", "department", "group", "role", "clears", "valid_from", "valid_until")

    def clean(self) -> dict[str, Any]:
        """Refuse an end before the beginning, and a new membership whose end has passed."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        begins, ends = cleaned.get("valid_from"), cleaned.get("valid_until")
        if begins and ends and ends < begins:
            raise ValidationError({"valid_until": _("The end must come after the beginning.")})
        if self.instance.pk is None and ends and ends <= timezone.now():
            raise ValidationError({"valid_until": _("The end has passed already: this membership would give nothing.")})
        return cleaned


class RecordsMemberships(AuditedModelAdmin[Any]):
    """A page on which memberships are lines: each that is added, changed or ended goes to the audit."""

    def save_formset(
        self, request: HttpRequest, form: Any, formset: "BaseModelFormSet[Any, Any]", change: bool
    ) -> None:
        """Save the lines, audit each membership, and warn where a department is left without a head."""
        if formset.model is not Membership:
            super().save_formset(request, form, formset, change)
            return
        headed = review.headed_departments()
        for line in formset.forms:
            if line.instance.pk is None and isinstance(request.user, User):
                line.instance.made_by = request.user
        super().save_formset(request, form, formset, change)
        for membership in formset.new_objects:
            self._record_membership(request, Action.MEMBERSHIP_STARTED, membership)
        for membership, _fields in formset.changed_objects:
            self._record_membership(request, _action_of(membership), membership)
        for membership in formset.deleted_objects:
            self._record_membership(request, Action.MEMBERSHIP_ENDED, membership)
        warn_of_last_head(request, headed)

    def _record_membership(self, request: HttpRequest, action: Action, membership: Membership) -> None:
        self.record(request, action, membership.user, **services.described(membership))


def _action_of(membership: Membership) -> Action:
    return Action.MEMBERSHIP_ENDED if membership.valid_until is not None else Action.MEMBERSHIP_STARTED


def warn_of_last_head(request: HttpRequest, headed: Iterable[int]) -> None:
    """Say which of these departments nobody heads any more: nobody decides its access requests then."""
    for department in review.without_head(headed):
        messages.warning(
            request,
            _(
                "Nobody heads %(department)s any more: access requests there wait, and nobody protects its studies. "
                "Make somebody its department manager."
            )
            % {"department": department.label},
        )


class _Lines(SpokenInline):
    model = Membership
    form = MembershipForm
    extra = 0


class MembershipInline(_Lines):
    """Where a person works, and as what."""

    fk_name = "user"
    fields = ("department", "group", "role", "clears", "valid_from", "valid_until")


class MembersInline(_Lines):
    """Who works in a department, and as what; who does so by a group is a line of the group."""

    fields = ("user", "role", "clears", "valid_from", "valid_until")
    # A hospital has thousands of people: chosen in a window of their own, never from a menu per line.
    raw_id_fields = ("user",)
    verbose_name_plural = gettext_lazy("people of this department")
    ordering = ("user__username", "valid_from")


class GroupMembersInline(MembersInline):
    """Who has a role in every department of a group."""

    verbose_name_plural = gettext_lazy("people of this group")


@admin.register(DepartmentGroup)
class DepartmentGroupAdmin(RecordsMemberships):
    """Departments in which one membership holds together."""

    room = Room.PEOPLE
    inlines = (GroupMembersInline,)
    list_display = ("code", "name", "name_fr", "kind")
    list_filter = ("kind",)
    search_fields = ("code", "name", "name_fr")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the departments of the group, say in the audit which they are now, and warn as for memberships."""
        headed = review.headed_departments()
        super().save_related(request, form, formsets, change)
        if "departments" in form.changed_data:
            codes = sorted(form.instance.departments.values_list("code", flat=True))
            self.record(request, Action.SETTING_CHANGED, form.instance, departments=codes)
        warn_of_last_head(request, headed)


@admin.register(Membership)
class MembershipAdmin(AuditedModelAdmin[Membership]):
    """Who works where."""

    room = Room.PEOPLE
    form = MembershipForm

    action_added = Action.MEMBERSHIP_STARTED
    action_changed = Action.MEMBERSHIP_STARTED
    action_deleted = Action.MEMBERSHIP_ENDED
    list_display = ("user", "department", "group", "role", "valid_from", "valid_until")
    list_filter = ("department", "group", "role")
    list_select_related = ("user", "department", "group")
    search_fields = ("user__username", "user__display_name")
    raw_id_fields = ("user",)

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        """Save, with who gave it, and warn where a department is left without a head."""
        headed = review.headed_departments()
        if not change and isinstance(request.user, User):
            obj.made_by = request.user
        super().save_model(request, obj, form, change)
        warn_of_last_head(request, headed)

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        """Delete, and warn where a department is left without a head."""
        headed = review.headed_departments()
        super().delete_model(request, obj)
        warn_of_last_head(request, headed)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        """Delete several, and warn where a department is left without a head."""
        headed = review.headed_departments()
        super().delete_queryset(request, queryset)
        warn_of_last_head(request, headed)

    def get_urls(self) -> list[Any]:
        """Add the table of roles, and the table of who has which."""
        view = self.admin_site.admin_view
        return [
            path("roles/", view(self.roles_view), name="accounts_membership_roles"),
            path("review.csv", view(self.review_view), name="accounts_membership_review"),
            *super().get_urls(),
        ]

    def roles_view(self, request: HttpRequest) -> HttpResponse:
        """Show what each role gives: read here, decided in the portal's own table."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("What each role can do"),
            "rights": [(right.label, powers.RIGHTS_IN_WORDS[right]) for right in Right],
            "roles": powers.roles(),
        }
        return render(request, "admin/accounts/membership/roles.html", context)

    def review_view(self, request: HttpRequest) -> HttpResponseBase:
        """Give everybody's roles as a table, for the regular review of who may still do what (ISO 27001, A.5.18)."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not step_up.is_confirmed(request, Act.EXPORT):
            return step_up.answer(request, Act.EXPORT)
        try:
            audit.record(
                Action.ACCESS_LIST_EXPORTED,
                actor=self.actor(request),
                subject_type="membership",
                fail_closed=True,
            )
        except audit.AuditUnavailable:
            messages.error(request, _("Nothing was exported: it could not be put on record. Try again."))
            return redirect(reverse("admin:accounts_membership_changelist"))
        answer = StreamingHttpResponse(
            _lines(review.reviewed(), translation.get_language() or "en"), content_type="text/csv; charset=utf-8"
        )
        answer["Content-Disposition"] = f'attachment; filename="roles-{timezone.localtime():%Y-%m-%d-%H%M}.csv"'
        answer["Cache-Control"] = "private, no-store"
        return answer


def _lines(rows: Iterable[review.Line], language: str) -> Iterator[bytes]:
    """Yield the file line by line, in the language and time zone of who asked: both are gone once the view has returned."""
    zone = timezone.get_current_timezone()

    def line(values: Iterable[object]) -> bytes:
        text = io.StringIO()
        csv.writer(text, delimiter=separator_of(language), quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(
            [cell(value) for value in values]
        )
        return text.getvalue().encode("utf-8", "replace")

    def moment(value: Any) -> str:
        return date_format(value.astimezone(zone), "Y-m-d H:i") if value else ""

    def written() -> Iterator[bytes]:
        with translation.override(language):
            yield "\N{ZERO WIDTH NO-BREAK SPACE}".encode() + line(review.headings())
        for row in rows:
            with translation.override(language):
                yield line(row.values(moment))

    return written()
