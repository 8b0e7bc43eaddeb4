"""Lists that people keep: a saved address of the study list, and how each reader likes its columns."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Department, User
from accounts.roles import Role


class SavedList(models.Model):
    """A study list with its filters, order and columns, kept by one person for themselves, a role or a department.

    `query` is the query string of the list's address, as `ListAddress` writes it: relative dates stay relative. The
    list shows every reader what *they* may see: it gives no right.
    """

    class Audience(models.TextChoices):
        """Who finds it among their lists."""

        MINE = "mine", _("only me")
        DEPARTMENT = "department", _("a department")
        ROLE = "role", _("everybody with a role")

    class Of(models.TextChoices):
        """Which list it is of."""

        STUDIES = "studies", _("studies")
        READING = "reading", _("studies to be read")

    key = models.UUIDField(_("key"), unique=True, default=uuid.uuid4, editable=False)
    of = models.CharField(_("list of"), max_length=8, choices=Of.choices, default=Of.STUDIES, editable=False)
    name = models.CharField(_("name"), max_length=80)
    query = models.CharField(_("filters"), max_length=2000, blank=True)
    columns = models.JSONField(_("columns"), default=list, blank=True)
    owner = models.ForeignKey(User, models.CASCADE, related_name="saved_lists", verbose_name=_("kept by"))
    audience = models.CharField(_("shown to"), max_length=12, choices=Audience.choices, default=Audience.MINE)
    department = models.ForeignKey(
        Department, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("department")
    )
    role = models.CharField(_("role"), max_length=32, choices=Role.choices, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta:
        """By position, then by name; the audience says which of department and role is set."""

        verbose_name = _("saved list")
        verbose_name_plural = _("saved lists")
        ordering = ["position", "name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(audience="mine", department=None, role="")
                    | Q(audience="department", department__isnull=False, role="")
                    | (Q(audience="role", department=None) & ~Q(role=""))
                ),
                name="saved_list_audience",
            )
        ]
        indexes = [models.Index(fields=["owner"], name="saved_list_owner")]

    def __str__(self) -> str:
        return self.name


class ListLayout(models.Model):
    """How one reader sees one list: columns with their order and widths, and the density. Without a list: the study list itself."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("reader"))
    saved_list = models.ForeignKey(
        SavedList, models.CASCADE, null=True, blank=True, related_name="layouts", verbose_name=_("saved list")
    )
    columns = models.JSONField(_("columns"), default=list)
    density = models.CharField(_("density"), max_length=12, default="comfortable")
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta:
        """One layout per reader and list."""

        verbose_name = _("list layout")
        verbose_name_plural = _("list layouts")
        constraints = [
            models.UniqueConstraint(fields=["user", "saved_list"], nulls_distinct=False, name="list_layout_per_reader")
        ]

    def __str__(self) -> str:
        return f"layout of {self.saved_list_id} for {self.user_id}"
