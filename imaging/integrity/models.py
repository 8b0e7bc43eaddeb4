"""The ledger's leaf queue: what was kept, in which order, with which digest. No patient data."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class LedgerLeaf(models.Model):
    """One thing that happened to a content. Append-only; sequence order is the ledger's order."""

    class Kind(models.TextChoices):
        """What the leaf states."""

        KEPT = "kept", _("kept")
        REJECTED = "rejected", _("rejected")
        CORRECTED = "corrected", _("corrected")
        #: A version of a report; its digest stands where a file's does.
        SIGNED = "signed", _("report signed")

    sequence = models.BigAutoField(_("sequence"), primary_key=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    file_sha256 = models.CharField(_("SHA-256 of the file"), max_length=64)
    dataset_sha256 = models.CharField(_("SHA-256 of the data set"), max_length=64, blank=True)
    recorded_at = models.DateTimeField(_("recorded at"))

    class Meta:
        """Read in sequence."""

        verbose_name = _("ledger leaf")
        verbose_name_plural = _("ledger leaves")
        ordering = ["sequence"]

    def __str__(self) -> str:
        return f"{self.sequence} {self.kind} {self.file_sha256[:12]}"
