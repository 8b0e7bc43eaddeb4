"""Copies without identity: what they are made with, of which studies, and the objects that wait for a person's eye.

A copy is a study of its own, with other UIDs, of a person who does not exist. It lies in no department: only what names it
opens it, a share or a collection. Which study it was made of is known here and nowhere else.
"""

from __future__ import annotations

import secrets
from typing import Final

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from imaging.studies.models import Instance, Patient, Study

_KEY_BYTES: Final = 32


def _new_secret() -> bytes:
    return secrets.token_bytes(_KEY_BYTES)


class Deidentification(models.Model):
    """How the copies of one share or one collection are made. Two of them never make copies that fit together.

    ``secret`` decides the UIDs and by how many days dates are moved; ``options`` are fields of
    ``imaging.dicom.deidentification.Profile`` (PS3.15 annex E).
    """

    secret = models.BinaryField(max_length=_KEY_BYTES, default=_new_secret, editable=False)
    options = ArrayField(models.CharField(max_length=40), verbose_name=_("what stays in the copies"), default=list)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("asked for by")
    )
    made_at = models.DateTimeField(_("asked for at"), auto_now_add=True)

    class Meta:
        """One for each share or collection."""

        verbose_name = _("de-identification")
        verbose_name_plural = _("de-identifications")

    def __str__(self) -> str:
        return str(self.pk)


class Pseudonym(models.Model):
    """What a patient is called in the copies of one share or collection."""

    deidentification = models.ForeignKey(Deidentification, models.CASCADE, related_name="pseudonyms")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+", verbose_name=_("patient"))
    name = models.CharField(_("pseudonym"), max_length=64)

    class Meta:
        """One a person, and one person each."""

        verbose_name = _("pseudonym")
        verbose_name_plural = _("pseudonyms")
        constraints = [
            models.UniqueConstraint(fields=["deidentification", "patient"], name="one_pseudonym_per_patient"),
            models.UniqueConstraint(fields=["deidentification", "name"], name="pseudonym_once"),
        ]

    def __str__(self) -> str:
        return self.name


class CopiedStudy(models.Model):
    """The copy of one study, or of named parts of it, and how far it has come.

    ``series`` and ``instances`` are the primary keys of what is copied; both empty: everything. ``copy`` is there as soon as
    one object of it is.
    """

    class State(models.TextChoices):
        """Where a copy stands."""

        WAITING = "waiting", pgettext_lazy("copy", "waiting")
        RUNNING = "running", pgettext_lazy("copy", "being made")
        HELD = "held", pgettext_lazy("copy", "to be looked at")
        READY = "ready", pgettext_lazy("copy", "ready")
        EMPTY = "empty", pgettext_lazy("copy", "not possible")
        STOPPED = "stopped", pgettext_lazy("copy", "stopped")
        FAILED = "failed", pgettext_lazy("copy", "failed")

    key = models.CharField(_("identifier"), max_length=16, unique=True, editable=False)
    deidentification = models.ForeignKey(Deidentification, models.PROTECT, related_name="copies")
    source = models.ForeignKey(Study, models.PROTECT, related_name="+", verbose_name=_("study"))
    copy = models.ForeignKey(
        Study, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("copy without identity")
    )
    series = ArrayField(models.BigIntegerField(), default=list)
    instances = ArrayField(models.BigIntegerField(), default=list)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.WAITING)
    total = models.PositiveIntegerField(_("images"), default=0)
    done = models.PositiveIntegerField(_("images dealt with"), default=0)
    problem = models.CharField(_("problem"), max_length=40, blank=True)
    asked_at = models.DateTimeField(_("asked for at"), auto_now_add=True)
    ready_at = models.DateTimeField(_("ready at"), null=True, blank=True)

    class Meta:
        """One copy of a study for each use: who asks again gets the same."""

        verbose_name = _("copy without identity")
        verbose_name_plural = _("copies without identity")
        constraints = [models.UniqueConstraint(fields=["deidentification", "source"], name="one_copy_per_use")]

    def __str__(self) -> str:
        return self.key


class HeldObject(models.Model):
    """An object of which no copy goes by itself: what speaks against it, and what a person decided.

    ``reviews`` are ``Review`` words and ``refusal`` a ``Refusal`` (``imaging.dicom.deidentification``). ``words`` are what was
    read in its pixels, each [frame, left, top, width, height, text, score], in pixels from 0, frames from 1: personal data.
    ``areas`` are what is made black, each [left, top, width, height, first frame, last frame or 0].
    """

    class State(models.TextChoices):
        """What became of it."""

        HELD = "held", pgettext_lazy("copy of an image", "to be looked at")
        RELEASED = "released", pgettext_lazy("copy of an image", "allowed")
        COPIED = "copied", pgettext_lazy("copy of an image", "copied")
        LEFT_OUT = "left_out", pgettext_lazy("copy of an image", "left out")
        REFUSED = "refused", pgettext_lazy("copy of an image", "not possible")

    copied_study = models.ForeignKey(CopiedStudy, models.CASCADE, related_name="held")
    source = models.ForeignKey(Instance, models.PROTECT, related_name="+", verbose_name=_("instance"))
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.HELD)
    reviews = ArrayField(models.CharField(max_length=40), default=list)
    refusal = models.CharField(max_length=40, blank=True)
    words = models.JSONField(default=list)
    areas = models.JSONField(default=list)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    class Meta:
        """Each object once."""

        verbose_name = _("object to be looked at")
        verbose_name_plural = _("objects to be looked at")
        constraints = [models.UniqueConstraint(fields=["copied_study", "source"], name="held_once")]

    def __str__(self) -> str:
        return f"{self.copied_study_id}: {self.source_id}"
