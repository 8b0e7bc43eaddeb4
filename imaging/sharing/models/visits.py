"""Who opened a share, and what happened to it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from imaging.sharing.models.shares import Share
from imaging.studies.models import Study


class ShareVisit(models.Model):
    """One opening: a browser that exchanged the link, or a program that was given a token. Its token is kept hashed."""

    class Way(models.TextChoices):
        """By what it came in."""

        LINK = "link", _("the link")
        CODE = "code", _("the typed code")
        TOKEN = "token", _("a token for another archive")
        HEALTH_LINK = "health_link", _("a SMART Health Link")

    share = models.ForeignKey(Share, models.CASCADE, related_name="visits", verbose_name=_("share"))
    way = models.CharField(_("by"), max_length=12, choices=Way.choices)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    begun_at = models.DateTimeField(_("begun"), auto_now_add=True)
    seen_at = models.DateTimeField(_("last seen"), auto_now_add=True)
    valid_until = models.DateTimeField(_("until"))
    address = models.CharField(_("address"), max_length=64, blank=True)
    device = models.CharField(_("device"), max_length=80, blank=True)
    #: The second proof: when it was given; until then nothing of a patient is shown.
    proved_at = models.DateTimeField(_("proved"), null=True, blank=True)
    code_digest = models.CharField(max_length=128, blank=True, editable=False)
    code_until = models.DateTimeField(null=True, blank=True, editable=False)
    code_tries = models.PositiveSmallIntegerField(default=0, editable=False)
    code_sent_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        """The visits of a share, latest first."""

        verbose_name = _("visit")
        verbose_name_plural = _("visits")
        ordering = ("-begun_at", "-pk")

    def __str__(self) -> str:
        return f"{self.share_id}: {self.get_way_display()}"


class ShareEvent(models.Model):
    """What happened to a share, for its owner: made, sent, opened, looked at, refused, ended. Only added to."""

    class Kind(models.TextChoices):
        """What happened."""

        MADE = "made", _("shared")
        ALLOWED = "allowed", _("allowed by a second person")
        REFUSED = "refused", _("not allowed by a second person")
        PREPARED = "prepared", _("copies without identity ready")
        NOT_PREPARED = "not_prepared", _("no copy without identity possible")
        SENT = "sent", _("link sent")
        NOT_SENT = "not_sent", _("link could not be sent")
        PRINTED = "printed", _("letter printed")
        CODE_SENT = "code_sent", _("code sent")
        OPENED = "opened", _("opened")
        PROVED = "proved", _("second proof given")
        ASKED = "asked", _("earlier images asked for")
        LOOKED = "looked", _("images opened")
        REPORT_READ = "report_read", _("report read")
        DOWNLOADED = "downloaded", _("downloaded")
        SENT_BACK = "sent_back", _("images sent back")
        TOKEN_GIVEN = "token_given", _("token for another archive given")
        WRONG = "wrong", _("wrong code or link")
        LOCKED = "locked", _("locked after wrong codes")
        FULL = "full", _("refused: opened as often as allowed")
        CHANGED = "changed", _("changed")
        EXTENDED = "extended", _("extended")
        REVOKED = "revoked", pgettext_lazy("share", "revoked")

    share = models.ForeignKey(Share, models.CASCADE, related_name="events", verbose_name=_("share"))
    visit = models.ForeignKey(
        ShareVisit, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("visit")
    )
    study = models.ForeignKey(Study, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("study"))
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("person")
    )
    kind = models.CharField(_("what"), max_length=12, choices=Kind.choices)
    at = models.DateTimeField(_("at"), auto_now_add=True)
    words = models.CharField(_("detail"), max_length=300, blank=True)
    #: How often it happened in one visit: looking again counts up, so that the list stays short.
    times = models.PositiveIntegerField(_("times"), default=1)

    class Meta:
        """Of a share, latest first; a study is looked at once per visit, and counted."""

        verbose_name = _("what happened to a share")
        verbose_name_plural = _("what happened to shares")
        ordering = ("-at", "-pk")
        indexes = [models.Index(fields=["share", "-at"], name="share_events")]
        constraints = [
            models.UniqueConstraint(
                fields=["visit", "study", "kind"],
                condition=Q(visit__isnull=False, study__isnull=False),
                name="share_event_once_per_visit",
            )
        ]

    def __str__(self) -> str:
        return f"{self.share_id}: {self.get_kind_display()}"
