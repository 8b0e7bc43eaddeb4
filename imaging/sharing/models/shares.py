"""One link: what it opens, to whom, with which rights, until when.

Its secret is never kept, only what proves it; its address names nothing. A share is never widened: whoever is to see more gets
another one, and both show in the list.
"""

from __future__ import annotations

import uuid
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Department, Language
from imaging.sharing.models.choices import Factor, Purpose, Recipient
from imaging.sharing.models.copies import Deidentification
from imaging.sharing.querysets import ShareQuerySet
from imaging.studies.models import Instance, Patient, Series, Study

#: Characters of the identifier in the path: 72 bits, so that addresses are not found by trying.
KEY_LENGTH: Final = 12


class Share(models.Model):
    """A link and its limits. Rows are never deleted: what was shared stays on record."""

    class State(models.TextChoices):
        """Where a share stands; whether its time has come or is over is asked of the clock."""

        WAITING = "waiting", _("waiting for a second person")
        PREPARING = "preparing", _("being prepared")
        OPEN = "open", _("open")
        REFUSED = "refused", _("not allowed")
        REVOKED = "revoked", pgettext_lazy("share", "revoked")
        LOCKED = "locked", _("locked after wrong codes")

    class Kind(models.TextChoices):
        """What it opens: things that were named, or whatever is the patient's own."""

        IMAGES = "images", _("images")
        RECORD = "record", _("the patient's own record")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.IMAGES, editable=False)
    key = models.CharField(_("identifier"), max_length=16, unique=True, editable=False)
    secret_digest = models.CharField(max_length=64, editable=False)
    #: Of the code that stands for the link where there is none to press: on a letter, read out on the telephone.
    code_digest = models.CharField(max_length=128, blank=True, editable=False)
    #: Of the code that is handed over by another way, where that is the second proof.
    proof_digest = models.CharField(max_length=128, blank=True, editable=False)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.OPEN)
    #: Of the form with which it was made: sent twice, it shares once.
    token = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    #: Counted up at every change, so that what was decided before it is decided again.
    version = models.PositiveIntegerField(default=1, editable=False)

    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="shares", verbose_name=_("shared by")
    )
    department = models.ForeignKey(Department, models.PROTECT, related_name="shares", verbose_name=_("department"))
    #: Whose images: a study that turns out to be another person's is shared no more.
    patient = models.ForeignKey(Patient, models.PROTECT, null=True, related_name="shares", verbose_name=_("patient"))
    created_at = models.DateTimeField(_("shared at"), auto_now_add=True)

    recipient = models.CharField(_("for"), max_length=12, choices=Recipient.choices)
    recipient_name = models.CharField(_("name"), max_length=150, blank=True)
    recipient_email = models.EmailField(_("e-mail"), blank=True)
    recipient_phone = models.CharField(_("mobile number"), max_length=20, blank=True)
    language = models.CharField(_("language"), max_length=8, choices=Language.choices, default=Language.ENGLISH)
    purpose = models.CharField(_("purpose"), max_length=12, choices=Purpose.choices, default=Purpose.CARE)
    purpose_words = models.CharField(_("purpose in words"), max_length=300, blank=True)
    note = models.TextField(_("message"), max_length=2000, blank=True)

    may_download = models.BooleanField(_("may download"), default=False)
    may_upload = models.BooleanField(_("may send images back"), default=False)
    with_report = models.BooleanField(_("with the report"), default=False)
    is_deidentified = models.BooleanField(_("without identity"), default=False)
    deidentification = models.OneToOneField(
        Deidentification, models.PROTECT, null=True, blank=True, editable=False, related_name="share"
    )
    #: Whoever made it hands the link over: nothing is sent.
    is_handed_over = models.BooleanField(default=False, editable=False)
    factor = models.CharField(_("second proof"), max_length=12, choices=Factor.choices, default=Factor.EMAIL)

    valid_from = models.DateTimeField(_("from"), default=timezone.now)
    valid_until = models.DateTimeField(_("until"))
    most_opens = models.PositiveIntegerField(_("opens at the most"))
    opens = models.PositiveIntegerField(_("opens"), default=0)
    most_wrong = models.PositiveIntegerField(_("wrong codes at the most"))
    wrong = models.PositiveIntegerField(_("wrong codes"), default=0)
    codes_sent = models.PositiveIntegerField(_("codes sent"), default=0)
    first_opened_at = models.DateTimeField(_("first opened"), null=True, blank=True)
    last_opened_at = models.DateTimeField(_("last opened"), null=True, blank=True)

    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("ended by")
    )
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    ended_because = models.CharField(_("why it ended"), max_length=300, blank=True)

    objects = ShareQuerySet.as_manager()

    class Meta:
        """Lists are of a person or a department, latest first."""

        verbose_name = _("share")
        verbose_name_plural = _("shares")
        ordering = ("-created_at", "-pk")
        indexes = [
            models.Index(fields=["created_by", "-created_at"], name="share_by_owner"),
            models.Index(fields=["department", "-created_at"], name="share_by_department"),
            models.Index(fields=["patient", "-created_at"], name="share_by_patient"),
            models.Index(fields=["valid_until"], condition=Q(state="open"), name="share_by_end"),
        ]
        constraints = [
            models.CheckConstraint(
                name="share_ends_after_it_begins", condition=Q(valid_until__gt=models.F("valid_from"))
            )
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def is_standing(self) -> bool:
        """Whether it opens something now."""
        return self.state == self.State.OPEN and self.valid_from <= timezone.now() < self.valid_until

    @property
    def is_over(self) -> bool:
        """Whether it will open nothing any more."""
        return self.state in _ENDED or timezone.now() >= self.valid_until


_ENDED: Final = frozenset({Share.State.REFUSED, Share.State.REVOKED, Share.State.LOCKED})


class ShareItem(models.Model):
    """One thing that a share opens: a study, one of its series, or one of its instances (a key image)."""

    share = models.ForeignKey(Share, models.CASCADE, related_name="items", verbose_name=_("share"))
    study = models.ForeignKey(Study, models.PROTECT, related_name="+", verbose_name=_("study"))
    series = models.ForeignKey(
        Series, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("series")
    )
    instance = models.ForeignKey(
        Instance, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("instance")
    )
    is_prior = models.BooleanField(_("an earlier study"), default=False)

    class Meta:
        """Each thing once."""

        verbose_name = _("what is shared")
        verbose_name_plural = _("what is shared")
        constraints = [
            models.UniqueConstraint(
                fields=["share", "study", "series", "instance"], nulls_distinct=False, name="shared_once"
            ),
            models.CheckConstraint(
                name="shared_instance_with_its_series", condition=Q(instance=None) | Q(series__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.share_id}: {self.study_id}"
