"""Who sends, whose identifier it is, and who is meant by it."""

from django.db.models import Q, QuerySet

from accounts.models import Site
from imaging.ehr.hl7.message import Headline
from imaging.ehr.hl7.persons import Identifier
from imaging.ehr.models import Hl7Message, Hl7Peer
from imaging.studies.models import Patient


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


def waiting() -> QuerySet[Hl7Message]:
    """What could not be applied, and nobody has decided about."""
    return Hl7Message.objects.filter(state=Hl7Message.State.FAILED)
