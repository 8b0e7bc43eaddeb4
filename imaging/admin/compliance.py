"""What is asked of the images' side: who may send and ask on the DICOM network, and where second copies lie."""

from datetime import timedelta
from typing import Final

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.compliance.registry import Answer, Area, attention, check, met, not_met
from imaging.ingest.models import ApplicationEntity
from imaging.storage import condition

_LATE: Final = timedelta(hours=24)


@check(
    "machines.application-entities",
    area=Area.MACHINES,
    title=gettext_lazy("Machines on the DICOM network are known by address"),
    requirements=("SE-10", "ASVS 8.2.2"),
)
def application_entities() -> Answer:
    """Whether an application entity is let in by its name alone, which anybody can write."""
    rows = ApplicationEntity.objects.filter(is_active=True, address=None, loopback_only=False)
    asking = sorted(row.ae_title for row in rows.filter(may_query=True))
    sending = sorted(row.ae_title for row in rows.filter(may_query=False))
    address = reverse("admin:imaging_applicationentity_changelist")
    if asking:
        return not_met(
            _("These may ask for images from any address: %(names)s.") % {"names": ", ".join(asking[:5])},
            _("Write the machine's address, or take its right to ask."),
            address=address,
        )
    if sending:
        return attention(
            _("These may send images from any address: %(names)s.") % {"names": ", ".join(sending[:5])},
            _("Write the machine's address."),
            address=address,
        )
    return met(_("Every machine is let in from its own address alone."), address=address)


@check(
    "data.second-copy",
    area=Area.DATA,
    title=gettext_lazy("Images lie in two places"),
    requirements=("HIPAA 164.308(a)(7)(ii)(A)", "GDPR 32(1)(c)", "HDS backup"),
)
def second_copy() -> Answer:
    """Whether contents are copied to a second tier, and how long the oldest copy has waited."""
    copies = [tier for tier in condition.conditions() if not tier.is_written_first]
    address = reverse("admin:index") + "#room-storage"
    if not any(tier.is_configured for tier in copies):
        return attention(
            _("Images lie on the disks of this machine alone."),
            _(
                "Name an object store (STORAGE_S3_ENDPOINT), or back up the data folder and the database: docs/operations.md."
            ),
            address=address,
        )
    before = timezone.now() - _LATE
    late = [tier.tier for tier in copies if tier.oldest_at is not None and tier.oldest_at < before]
    failing = sum(tier.failing for tier in copies)
    if late or failing:
        words = ngettext(
            "%(count)d copy has met a problem, or one has waited for a day.",
            "%(count)d copies have met a problem, or one has waited for a day.",
            failing,
        ) % {"count": failing}
        return not_met(words, _("See what the storage pages say of the orders that wait."), address=address)
    return met(_("What arrives is copied to a second place, and nothing waits for a day."), address=address)
