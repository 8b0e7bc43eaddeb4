"""The base of every admin page: whatever is changed in the admin is audited, in the same transaction."""

import re
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.contrib.admin import ModelAdmin, TabularInline
from django.contrib.admin.options import InlineModelAdmin
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.paginator import Paginator
from django.db.models import DateTimeField, Model, QuerySet
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actor import Actor
from accounts.admin_site import PortalAdminSite
from accounts.audit import Action
from accounts.middleware import actor_of
from accounts.models import Department
from accounts.roles import Door

M = TypeVar("M", bound=Model)

# Django's own class takes its type argument only from a type checker.
if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:
    _Paginator = Paginator

COUNTED = 10_000


class CappedPaginator(_Paginator):
    """Counts to a limit only: nobody leafs through millions of rows, and counting them costs seconds."""

    @cached_property
    def count(self) -> int:
        """The number of rows, or the limit where there are more."""
        rows = self.object_list
        return rows.order_by()[:COUNTED].count() if isinstance(rows, QuerySet) else len(rows)


class SpokenFields:
    """Fields of the admin that a screen reader can name, and choices that a finger can tick. For pages and inlines."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Name the halves of a moment, which Django leaves without a label."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if field is not None:
            inner = getattr(field.widget, "widget", field.widget)
            label = str(field.label or db_field.verbose_name)
            if isinstance(inner, AdminSplitDateTime):
                for part, name in zip(inner.widgets, (_("date"), _("time")), strict=True):
                    part.attrs["aria-label"] = f"{label}, {name}"
            elif isinstance(self, InlineModelAdmin):
                # In a table the column's head is no label of the field below it.
                inner.attrs["aria-label"] = label
        return field

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer departments as boxes to tick: there are dozens, and a phone has no control key."""
        if db_field.related_model is Department:
            kwargs.setdefault("widget", CheckboxSelectMultiple)
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]


class SpokenInline(SpokenFields, TabularInline):  # type: ignore[type-arg]
    """Rows of a page, each of whose fields has a name."""

    #: A row that ties two things together is named by its fields, and by nothing above them.
    is_tie = False


class ValuesFromAddress:
    """A form of the administration that is filled in by its address, with values alone. For pages."""

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Fill in what the address says; moments, and keys of related rows that are no keys, would end in a fault: left out."""
        given: dict[str, Any] = super().get_changeform_initial_data(request)  # type: ignore[misc]
        fields = {field.name: field for field in self.opts.get_fields()}  # type: ignore[attr-defined]
        moments = {name for name, field in fields.items() if isinstance(field, DateTimeField)}
        related = {name for name, field in fields.items() if field.is_relation}
        return {
            name: value
            for name, value in given.items()
            if name not in moments and (name not in related or _are_keys(value))
        }


class AuditedModelAdmin(ValuesFromAddress, SpokenFields, ModelAdmin, Generic[M]):  # type: ignore[type-arg]
    """A page whose additions, changes and deletions go to the audit, as the names of fields, never values."""

    show_full_result_count = False
    action_added = Action.SETTING_CHANGED
    action_changed = Action.SETTING_CHANGED
    action_deleted = Action.SETTING_CHANGED

    def actor(self, request: HttpRequest) -> Actor:
        """Return who is at work."""
        return actor_of(request, Door.PAGE)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Add what packages above show here."""
        above = self.admin_site.inlines_of(self.model) if isinstance(self.admin_site, PortalAdminSite) else ()
        return [*super().get_inlines(request, obj), *above]

    def record(self, request: HttpRequest, action: Action, obj: Model, **detail: Any) -> None:
        """Record what was done to one object of this page."""
        audit.record(
            action,
            actor=self.actor(request),
            subject_type=obj._meta.model_name or "",
            subject_uid=str(obj.pk),
            detail={"via": "admin", **detail},
        )

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Record an addition, here and in the audit."""
        self.record(request, self.action_added, obj, added=_fields(message))
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Record a change, here and in the audit."""
        self.record(request, self.action_changed, obj, changed=_fields(message))
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[M]) -> Any:
        """Record deletions, here and in the audit."""
        for obj in queryset:
            self.record(request, self.action_deleted, obj, deleted=True)
        return super().log_deletions(request, queryset)


def _fields(message: Any) -> Any:
    """Return what Django says of a change; a list of dicts that name fields, or a text."""
    return message if isinstance(message, list) else str(message)


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[type-arg]
    """Rows that only services write: received things are looked at, not edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody edits by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes by hand."""
        return False


def _are_keys(given: Any) -> bool:
    """Whether these can be primary keys, which are numbers in all tables that forms choose from."""
    words = given if isinstance(given, list) else [given]
    return all(re.fullmatch(r"[0-9]{1,18}", str(word)) for word in words)
