"""Collections: named sets of studies, who belongs to them, and what is said about them.

A collection lends its studies to its members. What it lends is asked at every reading (``collections.querysets``), so that no
row here has to change when a study is protected, moved, or turns out to be another person's.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Department
from imaging.sharing.collections.querysets import CollectionItemQuerySet, CollectionQuerySet
from imaging.sharing.models.copies import Deidentification
from imaging.studies.models import Patient, Study

#: Characters of a comment.
MOST_WORDS: Final = 4000


class Collection(models.Model):
    """A named set of studies. With a de-identification, it lends copies, and never what they were made of."""

    class Kind(models.TextChoices):
        """What it is for; teaching and research ask for the patient's agreement to that."""

        TUMOUR_BOARD = "tumour_board", _("tumour board")
        TEACHING = "teaching", _("teaching")
        RESEARCH = "research", _("research")
        OTHER = "other", pgettext_lazy("collection", "other")

    key = models.CharField(_("identifier"), max_length=16, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.TUMOUR_BOARD)
    description = models.TextField(_("description"), max_length=2000, blank=True)
    department = models.ForeignKey(
        Department, models.PROTECT, related_name="+", verbose_name=_("department that answers for it")
    )
    deidentification = models.OneToOneField(
        Deidentification, models.PROTECT, null=True, blank=True, editable=False, related_name="collection"
    )
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("made by"))
    made_at = models.DateTimeField(_("made at"), auto_now_add=True)
    changed_at = models.DateTimeField(_("last change"), auto_now_add=True)
    archived_at = models.DateTimeField(_("archived at"), null=True, blank=True)
    #: Counted up at every change of members, studies and comments: what a page asks before it is written anew.
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = CollectionQuerySet.as_manager()

    class Meta:
        """Lists are latest first."""

        verbose_name = _("collection")
        verbose_name_plural = _("collections")
        ordering = ("-changed_at", "-pk")

    def __str__(self) -> str:
        return self.name

    @property
    def is_archived(self) -> bool:
        """Whether it lends nothing any more."""
        return self.archived_at is not None


class CollectionMember(models.Model):
    """Somebody of the hospital, or everybody who sees images in a department. Each looks; the rest is said right by right.

    Rights are flags, not a ladder: who presents cases adds without taking images away, who does research takes them away
    without adding.
    """

    collection = models.ForeignKey(
        Collection, models.CASCADE, related_name="members", db_index=False, verbose_name=_("collection")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="collections",
        verbose_name=_("person"),
    )
    department = models.ForeignKey(
        Department, models.PROTECT, null=True, blank=True, related_name="collections", verbose_name=_("department")
    )
    may_add = models.BooleanField(_("may add studies"), default=False)
    may_comment = models.BooleanField(_("may comment"), default=True)
    may_download = models.BooleanField(_("may download"), default=False)
    manages = models.BooleanField(_("manages it"), default=False)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("added by"))
    added_at = models.DateTimeField(_("added at"), auto_now_add=True)

    class Meta:
        """Each once; only a person manages."""

        verbose_name = _("member of a collection")
        verbose_name_plural = _("members of a collection")
        constraints = [
            models.UniqueConstraint(
                fields=["collection", "user", "department"], nulls_distinct=False, name="member_of_collection_once"
            ),
            models.CheckConstraint(
                name="member_is_person_or_department",
                condition=Q(user__isnull=False, department=None) | Q(user=None, department__isnull=False),
            ),
            models.CheckConstraint(
                name="only_people_manage_collections", condition=Q(manages=False) | Q(user__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.collection_id}: {self.user_id or self.department_id}"


class CollectionItem(models.Model):
    """A study in a collection: why it is here, who put it there, and for which department and patient it was shared then."""

    collection = models.ForeignKey(
        Collection, models.CASCADE, related_name="items", db_index=False, verbose_name=_("collection")
    )
    study = models.ForeignKey(Study, models.PROTECT, related_name="+", verbose_name=_("study"))
    #: The department whose right to share it was used. Without it the study is lent no more.
    department = models.ForeignKey(Department, models.PROTECT, related_name="+", verbose_name=_("department"))
    #: Whose study it was: one that turns out to be another person's is lent no more.
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+", verbose_name=_("patient"))
    position = models.PositiveIntegerField(_("place in the order"), default=0)
    note = models.CharField(_("why it is here"), max_length=300, blank=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("added by"))
    added_at = models.DateTimeField(_("added at"), auto_now_add=True)
    removed_at = models.DateTimeField(_("taken out at"), null=True, blank=True)
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("taken out by"),
    )

    objects = CollectionItemQuerySet.as_manager()

    class Meta:
        """A study once at a time, in an order that people gave."""

        verbose_name = _("study of a collection")
        verbose_name_plural = _("studies of a collection")
        ordering = ("position", "pk")
        constraints = [
            models.UniqueConstraint(
                fields=["collection", "study"], condition=Q(removed_at=None), name="study_in_collection_once"
            ),
        ]
        indexes = [models.Index(fields=["collection", "position"], name="item_in_order")]

    def __str__(self) -> str:
        return f"{self.collection_id}: {self.study_id}"


class CollectionComment(models.Model):
    """What somebody says about a collection or one of its studies: plain text. What was said before a change is kept."""

    collection = models.ForeignKey(
        Collection, models.CASCADE, related_name="comments", db_index=False, verbose_name=_("collection")
    )
    item = models.ForeignKey(
        CollectionItem, models.CASCADE, null=True, blank=True, related_name="comments", verbose_name=_("study")
    )
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("author"))
    words = models.TextField(_("comment"), max_length=MOST_WORDS)
    written_at = models.DateTimeField(_("written at"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed at"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("deleted at"), null=True, blank=True)
    #: What it said before, each as [moment in ISO 8601, words]; kept for who answers for the portal, shown to nobody.
    before = models.JSONField(default=list, editable=False)

    class Meta:
        """Newest first."""

        verbose_name = _("comment in a collection")
        verbose_name_plural = _("comments in a collection")
        ordering = ("-written_at", "-pk")
        indexes = [models.Index(fields=["collection", "-written_at"], name="comment_in_collection")]

    def __str__(self) -> str:
        return str(self.pk)
