"""The catalogue of exams: what can be asked for, what is asked back for safety, and which exam suits which question."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import Department, User

#: Half a day in one room: longer than any one exam.
_MOST_MINUTES = 12 * 60
#: Ten years: how long back a similar exam can still matter.
_MOST_DAYS = 3660


class Region(models.TextChoices):
    """Where on the body, as the picker of the request form groups exams."""

    HEAD = "head", _("Head")
    NECK = "neck", _("Neck")
    CHEST = "chest", _("Chest")
    BREAST = "breast", _("Breast")
    ABDOMEN = "abdomen", _("Abdomen")
    PELVIS = "pelvis", _("Pelvis")
    SPINE = "spine", _("Spine")
    UPPER_LIMB = "upper_limb", _("Shoulder, arm and hand")
    LOWER_LIMB = "lower_limb", _("Hip, leg and foot")
    VESSELS = "vessels", _("Heart and vessels")
    WHOLE_BODY = "whole_body", _("Whole body")
    OTHER = "other", _("Other")


class Contrast(models.TextChoices):
    """What is given to the patient."""

    NONE = "none", _("none")
    IODINE = "iodine", _("iodine")
    GADOLINIUM = "gadolinium", _("gadolinium")
    ULTRASOUND = "ultrasound", _("microbubbles")
    BARIUM = "barium", _("barium")
    TRACER = "tracer", _("radioactive tracer")
    OTHER = "other", _("another one")


class Sides(models.TextChoices):
    """Whether a side has to be told (Laterality, PS3.3 C.7.3.1)."""

    NONE = "none", _("no side")
    ASKED = "asked", _("left, right or both")
    ONE = "one", _("left or right")


class DoseQuantity(models.TextChoices):
    """In what a typical dose and its reference level are given."""

    DLP = "dlp", "DLP (mGy·cm)"
    KAP = "kap", "KAP (µGy·m²)"
    AGD = "agd", "AGD (mGy)"
    ACTIVITY = "activity", "MBq"


class Procedure(models.Model):
    """One exam that can be asked for: a requested procedure (PS3.3 C.4.11) with what its room, its patient and its readers need."""

    code = models.SlugField(
        _("code"), max_length=16, unique=True, help_text=_("Short and lasting: used by other systems.")
    )
    name = models.CharField(_("name (English)"), max_length=64)
    name_fr = models.CharField(_("name (French)"), max_length=64, blank=True)
    words = models.CharField(
        _("also found by"), max_length=300, blank=True, help_text=_("Other words and abbreviations, in any language.")
    )
    loinc = models.CharField("LOINC", max_length=16, blank=True)
    radlex = models.CharField("RadLex", max_length=16, blank=True)
    ccam = models.CharField("CCAM", max_length=16, blank=True)
    modality = models.CharField(_("modality"), max_length=16)
    region = models.CharField(_("region"), max_length=16, choices=Region.choices)
    body_part_examined = models.CharField(_("body part"), max_length=16, blank=True)
    sides = models.CharField(_("side"), max_length=8, choices=Sides.choices, default=Sides.NONE)
    contrast = models.CharField(_("contrast"), max_length=12, choices=Contrast.choices, default=Contrast.NONE)
    subspecialty = models.CharField(_("subspecialty"), max_length=32, blank=True)
    duration_minutes = models.PositiveSmallIntegerField(
        _("minutes in the room"), default=15, validators=[MinValueValidator(1), MaxValueValidator(_MOST_MINUTES)]
    )
    department = models.ForeignKey(
        Department,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("performing department"),
        help_text=_("Who performs it when who asks does not say otherwise."),
    )
    preparation = models.TextField(_("preparation of the patient (English)"), max_length=2000, blank=True)
    preparation_fr = models.TextField(_("preparation of the patient (French)"), max_length=2000, blank=True)
    protocol = models.TextField(_("usual protocol"), max_length=2000, blank=True)
    needs_vetting = models.BooleanField(
        _("is vetted"), default=True, help_text=_("Without, a request can be booked as soon as it is sent.")
    )
    dose_quantity = models.CharField(_("dose is told as"), max_length=10, choices=DoseQuantity.choices, blank=True)
    typical_dose = models.DecimalField(_("typical dose"), max_digits=10, decimal_places=3, null=True, blank=True)
    reference_level = models.DecimalField(
        _("diagnostic reference level"), max_digits=10, decimal_places=3, null=True, blank=True
    )
    effective_dose_msv = models.DecimalField(
        _("typical effective dose (mSv)"), max_digits=7, decimal_places=3, null=True, blank=True
    )
    repeat_days = models.PositiveSmallIntegerField(
        _("days in which a similar exam is pointed out"), default=30, validators=[MaxValueValidator(_MOST_DAYS)]
    )
    is_active = models.BooleanField(_("offered"), default=True)

    class Meta:
        """Shown by region, then name."""

        verbose_name = _("procedure")
        verbose_name_plural = _("procedures")
        ordering = ["region", "modality", "name"]
        indexes = [models.Index(fields=["region", "modality"], condition=Q(is_active=True), name="procedure_offered")]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The name in the reader's language."""
        if (get_language() or "").startswith("fr"):
            return self.name_fr or self.name
        return self.name


class SafetyQuestion(models.Model):
    """One thing asked back before an exam of some modalities, kinds of contrast, sexes and ages."""

    class Answer(models.TextChoices):
        """How it is answered."""

        YES_NO = "yes_no", _("yes, no or not known")
        NUMBER = "number", _("a number")

    code = models.SlugField(_("code"), max_length=32, unique=True)
    text = models.CharField(_("question (English)"), max_length=200)
    text_fr = models.CharField(_("question (French)"), max_length=200, blank=True)
    hint = models.CharField(_("hint (English)"), max_length=300, blank=True)
    hint_fr = models.CharField(_("hint (French)"), max_length=300, blank=True)
    modalities = ArrayField(
        models.CharField(max_length=16), verbose_name=_("modalities"), default=list, blank=True,
        help_text=_("Empty: all."),
    )  # fmt: skip
    contrasts = ArrayField(
        models.CharField(max_length=12, choices=Contrast.choices), verbose_name=_("kinds of contrast"), default=list,
        blank=True, help_text=_("Empty: with or without."),
    )  # fmt: skip
    sex = models.CharField(_("sex"), max_length=1, blank=True, help_text=_("F or M as in DICOM; empty: all."))
    youngest = models.PositiveSmallIntegerField(_("from years of age"), null=True, blank=True)
    oldest = models.PositiveSmallIntegerField(_("to years of age"), null=True, blank=True)
    answer = models.CharField(_("answered by"), max_length=8, choices=Answer.choices, default=Answer.YES_NO)
    unit = models.CharField(_("unit"), max_length=24, blank=True)
    alarming = models.CharField(
        _("alarming when"), max_length=16, blank=True, help_text=_("yes, no, or a limit such as <30")
    )
    asks_more = models.BooleanField(_("an alarming answer must be explained"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("asked"), default=True)

    class Meta:
        """In the order in which they are asked."""

        verbose_name = _("safety question")
        verbose_name_plural = _("safety questions")
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The question in the reader's language."""
        if (get_language() or "").startswith("fr"):
            return self.text_fr or self.text
        return self.text


class AppropriatenessRule(models.Model):
    """A hint on which exam suits a clinical question: never a refusal."""

    class Score(models.TextChoices):
        """As guidelines say it."""

        USUALLY = "usually", _("usually appropriate")
        MAYBE = "maybe", _("may be appropriate")
        USUALLY_NOT = "usually_not", _("usually not appropriate")

    name = models.CharField(_("name"), max_length=120)
    modality = models.CharField(_("modality"), max_length=16, blank=True)
    region = models.CharField(_("region"), max_length=16, choices=Region.choices, blank=True)
    procedures = models.ManyToManyField(Procedure, blank=True, related_name="+", verbose_name=_("procedures"))
    words = models.CharField(
        _("words in the question"), max_length=300, blank=True, help_text=_("Any of these, separated by commas.")
    )
    without = models.CharField(
        _("and none of these"), max_length=300, blank=True, help_text=_("Words that make the rule silent.")
    )
    sex = models.CharField(_("sex"), max_length=1, blank=True)
    youngest = models.PositiveSmallIntegerField(_("from years of age"), null=True, blank=True)
    oldest = models.PositiveSmallIntegerField(_("to years of age"), null=True, blank=True)
    score = models.CharField(_("score"), max_length=12, choices=Score.choices)
    text = models.CharField(_("hint (English)"), max_length=400)
    text_fr = models.CharField(_("hint (French)"), max_length=400, blank=True)
    suggests = models.ForeignKey(
        Procedure, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("better exam")
    )
    source = models.CharField(_("source"), max_length=200, blank=True)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        """By name."""

        verbose_name = _("appropriateness rule")
        verbose_name_plural = _("appropriateness rules")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class FavouriteProcedure(models.Model):
    """An exam that a person keeps at hand."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("user"))
    procedure = models.ForeignKey(Procedure, models.CASCADE, related_name="+", verbose_name=_("procedure"))
    added_at = models.DateTimeField(_("added at"), auto_now_add=True)

    class Meta:
        """Each once."""

        verbose_name = _("favourite exam")
        verbose_name_plural = _("favourite exams")
        constraints = [models.UniqueConstraint(fields=["user", "procedure"], name="favourite_procedure_once")]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.procedure_id}"
