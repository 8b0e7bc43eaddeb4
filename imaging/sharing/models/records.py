"""A patient's standing link: a share that shows their own record instead of a list of things, and what a department allows of it."""

from typing import Final

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import Department
from accounts.roles import Role
from imaging.sharing.models.choices import MOST_DAYS, MOST_OPENS, MOST_WRONG, Factor
from imaging.sharing.models.policies import sharing_roles
from imaging.sharing.models.shares import Share

#: Second proofs that a record may ask for: a date of birth is known to the whole family, so it is none of them.
RECORD_FACTORS: Final = (Factor.EMAIL, Factor.SMS, Factor.PRINTED)
#: The longest that a report may wait: patients have a right to it (GDPR article 12: one month).
_MOST_WAITING_DAYS: Final = 31


class Relation(models.TextChoices):
    """Who holds a link to a patient's record."""

    SELF = "self", _("the patient")
    PARENT = "parent", _("a parent")
    GUARDIAN = "guardian", _("a guardian")
    PARTNER = "partner", _("the husband, wife or partner")
    CHILD = "child", _("a grown-up child")
    RELATIVE = "relative", _("another relative")
    OTHER = "other", _("somebody else whom the patient trusts")


class Ground(models.TextChoices):
    """Why somebody may see the record of another person."""

    PARENTAL = "parental", _("parental authority")
    GUARDIANSHIP = "guardianship", _("guardianship, as a court decided")
    WISH = "wish", _("the patient's written wish")


class IdentityCheck(models.TextChoices):
    """How it was made sure that whoever gets the link is the one."""

    CARD = "card", _("identity card or passport seen")
    KNOWN = "known", _("known in person")
    ADDRESS = "address", _("sent to the address in the patient's file")
    CALLED = "called", _("called back at the number in the patient's file")


def record_factors() -> list[str]:
    """Return the second proofs of a record unless a department says otherwise."""
    return [factor.value for factor in RECORD_FACTORS]


class RecordPolicy(models.Model):
    """Whether a department gives patients a link to their record, and what the record shows."""

    department = models.OneToOneField(
        Department,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="record_policy",
        verbose_name=_("department"),
        help_text=_("Empty: for every department without rules of its own."),
    )
    is_given = models.BooleanField(_("patients may get a standing link to their record"), default=False)
    roles = ArrayField(
        models.CharField(max_length=20, choices=Role.choices),
        default=sharing_roles,
        blank=True,
        verbose_name=_("who gives them"),
        help_text=_("Of these, only roles that may share at all."),
    )
    most_days = models.PositiveIntegerField(
        _("days that a link stands"),
        default=365,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_DAYS)],
        help_text=_("It can be extended by as much again, for as long as the patient wants it."),
    )
    most_opens = models.PositiveIntegerField(
        _("opens at the most"), default=500, validators=[MinValueValidator(1), MaxValueValidator(MOST_OPENS)]
    )
    most_wrong = models.PositiveIntegerField(
        _("wrong codes at the most"),
        default=30,
        validators=[MinValueValidator(3), MaxValueValidator(MOST_WRONG)],
        help_text=_("Counted for the whole life of a link, then it is dead."),
    )
    factors = ArrayField(
        models.CharField(max_length=12, choices=Factor.choices),
        default=record_factors,
        verbose_name=_("second proofs offered"),
        help_text=_("A record is never opened without one."),
    )
    shows_images = models.BooleanField(
        _("images are shown"), default=True, help_text=_("Off: only what was examined when, and the reports.")
    )
    may_download = models.BooleanField(_("images may be downloaded"), default=True)
    shows_reports = models.BooleanField(_("signed reports are shown"), default=True)
    report_days = models.PositiveIntegerField(
        _("days before a report is shown"),
        default=3,
        validators=[MaxValueValidator(_MOST_WAITING_DAYS)],
        help_text=_("After its signature, so that a physician can speak to the patient first. 0: at once."),
    )
    critical_report_days = models.PositiveIntegerField(
        _("days before a report with a critical finding is shown"),
        default=7,
        validators=[MaxValueValidator(_MOST_WAITING_DAYS)],
        help_text=_("After its signature, and in any case not before the finding was acknowledged."),
    )
    shows_shares = models.BooleanField(_("with whom images were shared is shown"), default=True)
    names_recipients = models.BooleanField(
        _("people outside to whom images were given are named"),
        default=True,
        help_text=_("Off: “a colleague elsewhere”, “the referring physician”."),
    )
    shows_looks = models.BooleanField(_("who looked is shown"), default=True)
    names_staff = models.BooleanField(
        _("staff are named"), default=False, help_text=_("Off: their role and department are told.")
    )
    gives_proxies = models.BooleanField(
        _("relatives and guardians may get a link of their own"),
        default=True,
    )
    proxies_see_reports = models.BooleanField(_("they see reports"), default=True)
    proxies_see_looks = models.BooleanField(_("they see who looked, and with whom images were shared"), default=False)
    of_age = models.PositiveSmallIntegerField(
        _("age from which parents have no link any more"),
        default=18,
        validators=[MinValueValidator(10), MaxValueValidator(25)],
        help_text=_("Their link ends by itself on that birthday."),
    )
    contact = models.TextField(
        _("where patients ask"),
        max_length=600,
        blank=True,
        help_text=_("Address, telephone and hours of the department, as it stands on the page."),
    )
    contact_fr = models.TextField(_("where patients ask, in French"), max_length=600, blank=True)

    class Meta:
        """One row for all others at the most."""

        verbose_name = _("rules of patients' records")
        verbose_name_plural = _("rules of patients' records")
        ordering = ("department__name",)
        constraints = [
            models.UniqueConstraint(models.Value(1), name="one_record_policy_for_others", condition=Q(department=None))
        ]

    def __str__(self) -> str:
        return self.department.label if self.department else str(_("every other department"))

    def clean(self) -> None:
        """Refuse what contradicts itself."""
        if not set(self.factors) or not set(self.factors) <= set(RECORD_FACTORS):
            raise ValidationError(
                {"factors": _("A code by e-mail, by text message or on paper: at least one of them.")}
            )
        if self.critical_report_days < self.report_days:
            raise ValidationError({"critical_report_days": _("No fewer days than other reports wait.")})

    @property
    def contact_words(self) -> str:
        """Where patients ask, in the language of the page where it was written in it."""
        return (self.contact_fr if get_language() == "fr" else "") or self.contact or self.contact_fr


class RecordLink(models.Model):
    """What a standing link has besides a share's limits: who holds it, on which ground, and how that was checked."""

    share = models.OneToOneField(Share, models.CASCADE, related_name="record", verbose_name=_("share"))
    relation = models.CharField(_("who holds it"), max_length=12, choices=Relation.choices, default=Relation.SELF)
    ground = models.CharField(_("ground"), max_length=16, choices=Ground.choices, blank=True)
    ground_words = models.CharField(_("ground in words"), max_length=300, blank=True)
    identity = models.CharField(_("how identity was checked"), max_length=12, choices=IdentityCheck.choices)
    #: A parent's, which ends when the patient comes of age: asked of the patient's birth date at every request.
    ends_of_age = models.BooleanField(_("ends when the patient comes of age"), default=False)

    class Meta:
        """A proxy has a ground, the patient needs none."""

        verbose_name = _("link to a patient's record")
        verbose_name_plural = _("links to patients' records")
        constraints = [
            models.CheckConstraint(
                name="proxy_has_a_ground",
                condition=(Q(relation="self") & Q(ground="")) | (~Q(relation="self") & ~Q(ground="")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.share_id}: {self.get_relation_display()}"

    @property
    def is_proxy(self) -> bool:
        """Whether it is held by somebody else than the patient."""
        return self.relation != Relation.SELF
