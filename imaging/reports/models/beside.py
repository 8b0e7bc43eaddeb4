"""What stands beside a draft: texts that were overtaken, pictures that were taken into the report, and the hospital's rules."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from imaging.reports.models.reports import Report
from imaging.storage.models import StoredObject

_MOST_LINES = 4


class OvertakenText(models.Model):
    """A text that somebody typed while somebody else saved another: kept until its writer lets go of it, so that neither is lost."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="overtaken", verbose_name=_("report"))
    typed_by = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("typed by"))
    sections = models.JSONField(_("sections"), default=list)
    #: The revision that the writer had seen when typing.
    seen_revision = models.PositiveIntegerField(_("revision that was seen"), default=0)
    typed_at = models.DateTimeField(_("typed at"), auto_now=True)

    class Meta:
        """The last one of each person."""

        verbose_name = _("text of a report that was overtaken")
        verbose_name_plural = _("texts of reports that were overtaken")
        constraints = [models.UniqueConstraint(fields=["report", "typed_by"], name="overtaken_text_once")]

    def __str__(self) -> str:
        return f"{self.report_id}: {self.typed_by_id}"


class ReportPicture(models.Model):
    """A key image as it was drawn for a report: what is signed is this picture, whatever becomes of the image."""

    report = models.ForeignKey(Report, models.PROTECT, related_name="pictures", verbose_name=_("report"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    stored_object = models.ForeignKey(StoredObject, models.PROTECT, related_name="+", verbose_name=_("content"))
    made_at = models.DateTimeField(_("made at"), auto_now_add=True)

    class Meta:
        """Found by its digest."""

        verbose_name = _("picture of a report")
        verbose_name_plural = _("pictures of reports")
        constraints = [models.UniqueConstraint(fields=["report", "sha256"], name="report_picture_once")]

    def __str__(self) -> str:
        return f"{self.report_id}: {self.sha256[:12]}"


def few_lines(text: str) -> None:
    """Refuse an address of more lines than the head of a page has room for."""
    if len(text.strip().splitlines()) > _MOST_LINES:
        raise ValidationError(_("Four lines at most."))


class ReportingPolicy(models.Model):
    """What the hospital decided about writing reports. One row."""

    allows_dictation = models.BooleanField(
        _("dictation by the browser"),
        default=False,
        help_text=_(
            "Most browsers send what is spoken to their maker, who turns it into text: names and findings leave the hospital. "
            "Allow it only where a contract covers that, or where your browsers recognise speech on the machine itself."
        ),
    )
    letterhead = models.TextField(
        _("lines of the letterhead"),
        max_length=400,
        blank=True,
        validators=[few_lines],
        help_text=_("Below the names of the hospital and the department: address, telephone. Four lines at most."),
    )

    class Meta:
        """One."""

        verbose_name = _("rules of reporting")
        verbose_name_plural = _("rules of reporting")
        constraints = [models.CheckConstraint(name="one_reporting_policy", condition=Q(pk=1))]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)
