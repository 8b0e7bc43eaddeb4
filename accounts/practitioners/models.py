"""Numbers of practitioners."""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class PractitionerIdentifier(models.Model):
    """One number of a person in one numbering system. Images and orders that name it mean this person."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="practitioner_identifiers",
        verbose_name=_("user"),
    )
    system = models.CharField(
        _("numbering system"),
        max_length=64,
        validators=[RegexValidator(r"^[^\\\x00-\x20\x7f]+$", _("No spaces, backslashes or control characters."))],
        help_text=_(
            "As DICOM and HL7 name it: RPPS, ADELI, NPI, the object identifier (1.2.250.1.71.4.2.1), or your own."
        ),
    )
    number = models.CharField(
        _("number"),
        max_length=64,
        validators=[RegexValidator(r"^[^\\\x00-\x20\x7f]+$", _("No spaces, backslashes or control characters."))],
    )

    class Meta:
        """A number means one person."""

        verbose_name = _("identifier of a practitioner")
        verbose_name_plural = _("identifiers of practitioners")
        constraints = [
            models.UniqueConstraint(
                fields=["system", "number"],
                name="practitioner_number_once",
                violation_error_message=_("This number is another person's already."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.system} {self.number}"

    def clean(self) -> None:
        """Write systems one way, so that RPPS and rpps are the same."""
        self.system = self.system.strip().upper()
        self.number = self.number.strip()
