"""What a department allows when its images are shared: one row for all that have none of their own."""

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Department
from accounts.roles import Role
from imaging.sharing.models.choices import (
    MOST_DAYS,
    MOST_FILES,
    MOST_MEGABYTES,
    MOST_OPENS,
    MOST_WRONG,
    Factor,
    Kept,
    Recipient,
    usually_kept,
)


def sharing_roles() -> list[str]:
    """Return the roles that share unless a department says otherwise."""
    return [Role.CLINICIAN.value, Role.RADIOLOGIST.value, Role.DEPARTMENT_MANAGER.value]


def usual_factors() -> list[str]:
    """Return what may be asked besides the link unless a department says otherwise."""
    return [Factor.EMAIL.value, Factor.SMS.value, Factor.PRINTED.value]


class SharePolicy(models.Model):
    """What may be shared, by whom, for how long, and what is asked of who opens it."""

    class Approval(models.TextChoices):
        """Which shares a second person allows before they open."""

        NONE = "none", _("none")
        DOWNLOADS = "downloads", _("those that may be downloaded")
        UNNAMED = "unnamed", _("those that anyone with the code opens")
        ALL = "all", _("all")

    department = models.OneToOneField(
        Department,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="share_policy",
        verbose_name=_("department"),
        help_text=_("Empty: for every department without rules of its own."),
    )
    is_allowed = models.BooleanField(_("images may be shared by link"), default=True)
    roles = ArrayField(
        models.CharField(max_length=20, choices=Role.choices),
        default=sharing_roles,
        blank=True,
        verbose_name=_("who shares"),
        help_text=_("Of these, only roles that may share at all."),
    )
    default_days = models.PositiveIntegerField(
        _("days offered first"), default=30, validators=[MinValueValidator(1), MaxValueValidator(MOST_DAYS)]
    )
    most_days = models.PositiveIntegerField(
        _("longest duration in days"), default=90, validators=[MinValueValidator(1), MaxValueValidator(MOST_DAYS)]
    )
    most_opens = models.PositiveIntegerField(
        _("opens at the most"), default=20, validators=[MinValueValidator(1), MaxValueValidator(MOST_OPENS)]
    )
    most_wrong = models.PositiveIntegerField(
        _("wrong codes at the most"),
        default=10,
        validators=[MinValueValidator(3), MaxValueValidator(MOST_WRONG)],
        help_text=_("Counted for the whole life of a link, then it is dead."),
    )
    factor_required = models.BooleanField(
        _("a second proof is asked of everybody outside"),
        default=True,
        help_text=_("Besides the link: a code, or the date of birth. Whoever shares cannot leave it out then."),
    )
    factors = ArrayField(
        models.CharField(max_length=12, choices=Factor.choices),
        default=usual_factors,
        blank=True,
        verbose_name=_("second proofs offered"),
        help_text=_("The date of birth is the weakest: many people know it."),
    )
    may_download = models.BooleanField(_("downloads may be given"), default=True)
    offers_download = models.BooleanField(_("downloads are offered first"), default=False)
    may_upload = models.BooleanField(
        _("images may be sent back"),
        default=False,
        help_text=_("Into the department's inbox, where a person checks them."),
    )
    most_upload_megabytes = models.PositiveIntegerField(
        _("megabytes sent back at the most"),
        default=4000,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_MEGABYTES)],
        help_text=_("By one link, in all."),
    )
    most_upload_files = models.PositiveIntegerField(
        _("files sent back at the most"),
        default=10_000,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_FILES)],
        help_text=_("By one link, in all."),
    )
    refused_recipients = ArrayField(
        models.CharField(max_length=12, choices=Recipient.choices),
        default=list,
        blank=True,
        verbose_name=_("never shared with"),
    )
    approval = models.CharField(
        _("a second person allows"), max_length=12, choices=Approval.choices, default=Approval.NONE
    )
    report_hours = models.PositiveIntegerField(
        _("hours before a patient sees a report"),
        default=0,
        validators=[MaxValueValidator(24 * 366)],
        help_text=_("After its signature, so that a physician can speak to the patient first. 0: at once."),
    )
    masks_names = models.BooleanField(
        _("patients' names are masked in mails"),
        default=True,
        help_text=_("As “D••• J.”: a mail is read by many machines."),
    )

    copies_keep = ArrayField(
        models.CharField(max_length=40, choices=Kept.choices),
        default=usually_kept,
        blank=True,
        verbose_name=_("what stays in images shared without identity"),
        help_text=_("Whatever is not ticked goes. Dates stay as they are, or moved, or not at all."),
    )

    class Meta:
        """One row for all others at the most."""

        verbose_name = _("sharing rules")
        verbose_name_plural = _("sharing rules")
        ordering = ("department__name",)
        constraints = [
            models.UniqueConstraint(models.Value(1), name="one_share_policy_for_others", condition=Q(department=None))
        ]

    def __str__(self) -> str:
        return self.department.label if self.department else str(_("every other department"))

    def clean(self) -> None:
        """Refuse what contradicts itself."""
        if self.default_days > self.most_days:
            raise ValidationError({"default_days": _("No more than the longest duration.")})
        if Factor.NONE in self.factors:
            raise ValidationError({"factors": _("“Nothing but the link” is said by the switch above, not here.")})
        if self.factor_required and not self.factors:
            raise ValidationError({"factors": _("Offer at least one proof, or ask for none.")})
        if self.offers_download and not self.may_download:
            raise ValidationError({"offers_download": _("Downloads are not given at all.")})
        if {Kept.RETAIN_FULL_DATES, Kept.RETAIN_MODIFIED_DATES} <= set(self.copies_keep):
            raise ValidationError({"copies_keep": _("Dates stay as they are or are moved, not both.")})
