"""The numbers of a request that is sent: unique in its site, and short enough for every machine (PS3.3 C.4.11, C.4.12)."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Site
from imaging.dicom import uids
from imaging.orders.models import AccessionNumbering, ExamRequest

#: A number that another system has used already is stepped over, this many times at most.
_MOST_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class Numbers:
    """What machines and readers know a request by."""

    accession_number: str
    issuer: str
    requested_procedure_id: str
    study_instance_uid: str

    def columns(self) -> dict[str, str]:
        """The same as columns of a request."""
        return {
            "accession_number": self.accession_number,
            "issuer_of_accession_number": self.issuer,
            "requested_procedure_id": self.requested_procedure_id,
            "study_instance_uid": self.study_instance_uid,
        }


@transaction.atomic
def numbers(site: Site) -> Numbers:
    """The next numbers of a site, in the caller's transaction: a request that is not sent after all uses none up."""
    row = _locked(site)
    today = timezone.localdate()
    if row.day != today:
        row.day, row.last = today, 0
    for _attempt in range(_MOST_STEPS):
        row.last += 1
        number = f"{row.prefix}{today:%y%m%d}{row.last:04d}"
        taken = Q(accession_number=number, issuer_of_accession_number=site.issuer_of_patient_id)
        if not ExamRequest.objects.filter(taken).exists():
            break
    row.save(update_fields=["day", "last"])
    return Numbers(number, site.issuer_of_patient_id, number, uids.new_uid())


def _locked(site: Site) -> AccessionNumbering:
    AccessionNumbering.objects.get_or_create(site=site)
    return AccessionNumbering.objects.select_for_update(no_key=True).get(site=site)
