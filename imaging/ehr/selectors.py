"""Who sends, whose identifier it is, and who is meant by it."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet

from accounts.models import Site
from imaging.ehr.hl7.message import Headline
from imaging.ehr.hl7.persons import Identifier
from imaging.ehr.models import AwaitedReport, Hl7Message, Hl7Peer
from imaging.orders.models import StudyLink
from imaging.studies.models import Patient, Study

_MOST: Final = 20


def is_expected(address: str) -> bool:
    """Whether any system may call from this address."""
    return Hl7Peer.objects.filter(is_active=True).filter(Q(address=None) | Q(address=address)).exists()


def peer_of(found: Headline, address: str) -> Hl7Peer | None:
    """The system that a header names, where it may call from this address."""
    named = Hl7Peer.objects.filter(
        is_active=True, sending_application=found.part(3)[:180], sending_facility=found.part(4)[:180]
    )
    return named.filter(Q(address=None) | Q(address=address)).select_related("site").first()


def issuer_of(identifier: Identifier, home: Site) -> Site | None:
    """The site that issued an identifier, or None for an issuer that is not ours.

    By OID where both have one; by name where one side has none; without either it is one of ``home``. A name that is known
    beside another OID is another issuer: two hospitals may bear one name.
    """
    if not identifier.namespace and not identifier.universal_id:
        return home
    sites = sorted(Site.objects.all(), key=lambda site: (site.pk != home.pk, site.pk))
    if identifier.universal_id:
        for site in sites:
            if site.issuer_oid == identifier.universal_id:
                return site
    for site in sites:
        has_both = bool(site.issuer_oid and identifier.universal_id)
        if site.issuer_of_patient_id == identifier.namespace and identifier.namespace and not has_both:
            return site
    return None


def patient_of(issuer: str, value: str) -> Patient | None:
    """The row of an identifier, merged away or not."""
    return Patient.objects.filter(issuer_of_patient_id=issuer, patient_id=value).first()


def studies_by_uid(study_uids: Collection[str]) -> list[Study]:
    """The studies with these UIDs that have images."""
    if not study_uids:
        return []
    return list(_examinations().filter(study_instance_uid__in=study_uids))


def studies_by_accession(number: str) -> list[Study]:
    """The studies with an accession number; more than twenty are nobody's number."""
    return list(_examinations().filter(accession_number=number)[:_MOST]) if number else []


def studies_of_order(source: str, placer: str) -> list[Study]:
    """The studies that answer the orders with a placer's number."""
    if not placer:
        return []
    links = StudyLink.objects.filter(ended_at=None, request__source=source, request__placer_order_number=placer).values(
        "study"
    )
    return list(_examinations().filter(pk__in=links))


def awaited(study_instance_uid: str) -> list[Hl7Message]:
    """The messages with reports that may be this study's."""
    study = Study.objects.filter(study_instance_uid=study_instance_uid).first()
    if study is None:
        return []
    asked = StudyLink.objects.filter(study=study, ended_at=None).exclude(request__placer_order_number="")
    placers = list(asked.values_list("request__placer_order_number", flat=True))
    which = Q(study_instance_uids__contains=[study_instance_uid]) | Q(placer_order_number__in=placers)
    if study.accession_number:
        which |= Q(numbers__contains=[study.accession_number])
    rows = AwaitedReport.objects.filter(which).values("message")
    return list(Hl7Message.objects.filter(pk__in=rows).select_related("peer__site").order_by("pk"))


def is_awaited(peer: Hl7Peer, *, study_uids: list[str], numbers: list[str], placer: str) -> bool:
    """Whether a report of a system waits for images with one of these numbers."""
    which = Q(study_instance_uids__overlap=study_uids) | Q(numbers__overlap=numbers)
    if placer:
        which |= Q(placer_order_number=placer)
    return AwaitedReport.objects.filter(which, message__peer=peer).exists()


def _examinations() -> QuerySet[Study]:
    """Studies with images, without copies that name nobody."""
    return Study.objects.filter(is_copy=False, instance_count__gt=0).select_related("patient").order_by("pk")


def merges_since(peer: Hl7Peer, moment: datetime) -> int:
    """How many patients a system has merged or renumbered since then."""
    kinds = ("ADT^A40", "ADT^A18", "ADT^A47")
    rows = Hl7Message.objects.filter(peer=peer, kind__in=kinds, state=Hl7Message.State.APPLIED)
    return rows.filter(received_at__gte=moment).count()


def waiting() -> QuerySet[Hl7Message]:
    """What could not be applied, and nobody has decided about."""
    return Hl7Message.objects.filter(state=Hl7Message.State.FAILED)
