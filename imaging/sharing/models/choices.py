"""Words that shares and the rules about them have in common."""

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

#: The longest a share may last, whatever a department allows.
MOST_DAYS: Final = 3660
MOST_OPENS: Final = 10_000
#: Wrong secrets and codes after which a link is dead for good, whatever a department allows.
MOST_WRONG: Final = 50
#: What may be sent back by one link, whatever a department allows.
MOST_MEGABYTES: Final = 100_000
MOST_FILES: Final = 200_000


class Recipient(TextChoices):
    """Who is to open a share."""

    COLLEAGUE = "colleague", _("a colleague elsewhere")
    REFERRER = "referrer", _("the referring physician")
    PATIENT = "patient", _("the patient")
    ANYONE = "anyone", _("whoever holds the code")


class Factor(TextChoices):
    """What is asked besides the link."""

    NONE = "none", _("nothing but the link")
    EMAIL = "email", _("a code by e-mail")
    SMS = "sms", _("a code by text message")
    PRINTED = "printed", _("the code on the letter")
    BIRTH_DATE = "birth_date", _("the patient's date of birth")


class Purpose(TextChoices):
    """Why images leave the hospital."""

    CARE = "care", _("care of the patient")
    OPINION = "opinion", _("a second opinion")
    TRANSFER = "transfer", _("transfer to another hospital")
    PATIENT = "patient", _("the patient asked for them")
    TEACHING = "teaching", _("teaching")
    RESEARCH = "research", _("research")
    LEGAL = "legal", _("expertise or legal request")
    OTHER = "other", _("another one, told below")


class Kept(TextChoices):
    """What may stay in copies without identity: fields of ``imaging.dicom.deidentification.profile.Profile``, in words."""

    CLEAN_DESCRIPTORS = "clean_descriptors", _("descriptions, as far as their words are those of anatomy and technique")
    CLEAN_GRAPHICS = "clean_graphics", _("lines and points that were drawn, without their words")
    CLEAN_STRUCTURED_CONTENT = "clean_structured_content", _("codes and measures of structured reports")
    RETAIN_PATIENT_CHARACTERISTICS = "retain_patient_characteristics", _("sex, age, size and weight")
    RETAIN_MODIFIED_DATES = "retain_modified_dates", _("dates, all moved by one number of days")
    RETAIN_FULL_DATES = "retain_full_dates", _("dates as they are")
    RETAIN_DEVICE_IDENTITY = "retain_device_identity", _("which device it was")
    RETAIN_INSTITUTION_IDENTITY = "retain_institution_identity", _("which hospital it was")
    RETAIN_SAFE_PRIVATE = "retain_safe_private", _("private attributes that are known to be harmless")


def usually_kept() -> list[str]:
    """What stays in copies unless a department says otherwise."""
    return [Kept.CLEAN_DESCRIPTORS.value, Kept.CLEAN_GRAPHICS.value]
