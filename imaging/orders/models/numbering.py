"""How a site numbers its requests."""

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Site


class AccessionNumbering(models.Model):
    """The accession numbers that a site gives (0008,0050: 16 characters): a prefix, the day, and a count of that day."""

    site = models.OneToOneField(Site, models.CASCADE, related_name="+", verbose_name=_("site"))
    prefix = models.CharField(
        _("prefix"),
        max_length=4,
        blank=True,
        validators=[RegexValidator(r"^[A-Z0-9]*$", _("Capital letters and digits only."))],
        help_text=_("Tells the numbers of sites apart that share machines."),
    )
    day = models.DateField(_("day"), null=True, blank=True, editable=False)
    last = models.PositiveIntegerField(_("given on that day"), default=0, editable=False)

    class Meta:
        """One row a site."""

        verbose_name = _("numbering of requests")
        verbose_name_plural = _("numbering of requests")

    def __str__(self) -> str:
        return str(self.site)
