"""Filters of admin lists: none of them asks a table of millions which values it holds."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.roles import Door


class FilledValuesFilter(admin.AllValuesFieldListFilter):
    """The values of a small table's column, without the blank one: a choice without words is a link without a name."""

    def __init__(self, *args: Any, **names: Any) -> None:
        """Leave the blank out."""
        super().__init__(*args, **names)
        self.lookup_choices = self.lookup_choices.exclude(**{self.field_path: ""})


class DoorFilter(admin.SimpleListFilter):
    """Through which door something came or was done."""

    title = _("door")
    parameter_name = "door"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """Return the doors there are."""
        return Door.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one door's rows."""
        return queryset.filter(door=self.value()) if self.value() else queryset


class ActorKindFilter(admin.SimpleListFilter):
    """What kind of actor did something."""

    title = _("kind of actor")
    parameter_name = "kind"
    kinds = (
        ("user", _("person")),
        ("machine", _("machine")),
        ("application_entity", _("application entity")),
        ("share", _("share link")),
        ("system", _("the portal itself")),
    )

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """Return the kinds there are."""
        return self.kinds

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one kind's rows."""
        return queryset.filter(actor_kind=self.value()) if self.value() else queryset
