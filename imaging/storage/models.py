"""One content and the places where it lies."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class StoredObject(models.Model):
    """One content: its digests, its length, how it is encoded. Never changed once written.

    `dataset_sha256` covers the data set's bytes after the file meta group plus the transfer syntax, and decides
    duplicate or conflict; `file_sha256` covers the stored file, names it, and serves fixity and ledger.
    """

    class Kind(models.TextChoices):
        """What the content is for; deleting previews is harmless, deleting DICOM never is."""

        DICOM = "dicom", _("DICOM object")
        SEGMENT = "segment", _("metadata segment")
        FRAMES = "frames", _("frames converted for reading")
        PICTURE = "picture", _("thumbnail or preview")
        REFUSED = "refused", _("bytes kept in quarantine")
        #: Signed, or made of what was signed: as DICOM, never deleted.
        REPORT = "report", _("document or picture of a report")
        #: A letter or paper request that came with a request for an exam.
        ATTACHMENT = "attachment", _("attachment of a request")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    file_sha256 = models.CharField(_("SHA-256 of the file"), max_length=64)
    dataset_sha256 = models.CharField(_("SHA-256 of the data set"), max_length=64, blank=True)
    length = models.BigIntegerField(_("length in bytes"))
    transfer_syntax_uid = models.CharField(_("transfer syntax"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("stored at"), auto_now_add=True)

    class Meta:
        """Contents are named by digest: the same bytes are kept once per kind."""

        verbose_name = _("stored object")
        verbose_name_plural = _("stored objects")
        constraints = [models.UniqueConstraint(fields=["file_sha256", "kind"], name="stored_object_content")]

    def __str__(self) -> str:
        return f"{self.kind} {self.file_sha256[:12]}"


class ObjectCopy(models.Model):
    """One place where a content lies."""

    class State(models.TextChoices):
        """What we know of this copy."""

        WRITTEN = "written", _("written, digest checked while writing")
        VERIFIED = "verified", _("read back and verified")
        DAMAGED = "damaged", _("damaged: the digest differs")
        MISSING = "missing", _("missing")
        LEAVING = "leaving", _("being removed: verified elsewhere")

    stored_object = models.ForeignKey(
        StoredObject, models.PROTECT, related_name="copies", verbose_name=_("stored object")
    )
    tier = models.CharField(_("tier"), max_length=40)
    location = models.CharField(_("name within the tier"), max_length=200)
    key_id = models.CharField(_("encryption key"), max_length=40, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WRITTEN)
    created_at = models.DateTimeField(_("written at"), auto_now_add=True)
    verified_at = models.DateTimeField(_("verified at"), null=True, blank=True)
    # Set on a local copy once another one is verified, and put on when it is read after that: the order of leaving.
    spare_since = models.DateTimeField(_("not needed here since"), null=True, blank=True)

    class Meta:
        """A content lies at most once in each tier."""

        verbose_name = _("copy")
        verbose_name_plural = _("copies")
        constraints = [models.UniqueConstraint(fields=["stored_object", "tier"], name="object_copy_per_tier")]
        indexes = [
            models.Index(
                fields=["tier", "spare_since"], condition=Q(spare_since__isnull=False), name="object_copy_spare"
            )
        ]

    def __str__(self) -> str:
        return f"{self.tier} ({self.state})"


class CopyOrder(models.Model):
    """One content that has still to be copied to a tier; the row goes when the copy is verified.

    `due_at` is when it may be tried, and the lease of the copier that has it in hand: one that died gives it back by
    time. `attempts` counts what went wrong with this content, not the hours that a store was away.
    """

    class Problem(models.TextChoices):
        """Why the copy is not there yet."""

        NONE = "", _("none")
        NO_ANSWER = "no_answer", _("the store does not answer")
        KEY_REFUSED = "key_refused", _("the store refuses our key")
        NO_BUCKET = "no_bucket", _("the store has no such bucket")
        STORE_FULL = "store_full", _("the store is full")
        STORE_ERROR = "store_error", _("the store answers with an error")
        DIFFERS = "differs", _("what was read back differs")
        OBJECT_MISSING = "object_missing", _("no copy is left to read from")
        OBJECT_DAMAGED = "object_damaged", _("the copy to read from is damaged")
        STORAGE_AWAY = "storage_away", _("the copy to read from is out of reach")
        UNEXPECTED = "unexpected", _("unexpected error, see the log")

    stored_object = models.ForeignKey(
        StoredObject, models.CASCADE, related_name="copy_orders", verbose_name=_("stored object")
    )
    tier = models.CharField(_("to the tier"), max_length=40)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due at"), db_default=Now())
    problem = models.CharField(_("problem"), max_length=20, choices=Problem.choices, blank=True, default=Problem.NONE)
    created_at = models.DateTimeField(_("ordered at"), auto_now_add=True)

    class Meta:
        """One order for each content and tier; the copier takes the one that is due for longest."""

        verbose_name = _("waiting copy")
        verbose_name_plural = _("waiting copies")
        constraints = [models.UniqueConstraint(fields=["stored_object", "tier"], name="copy_order_per_tier")]
        indexes = [models.Index(fields=["tier", "due_at"], name="copy_order_due")]

    def __str__(self) -> str:
        return f"to {self.tier} ({self.problem or 'waiting'})"
