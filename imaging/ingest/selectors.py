"""Questions about senders, rules and the sites behind them."""

from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings

from accounts.models import Department, Site
from imaging.ingest.models import ApplicationEntity, RoutingRule
from imaging.ingest.routing import Rule
from imaging.studies.models import InstanceVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """What the DICOM door must know of an application entity, as one value."""

    ae_title: str
    address: str | None = None
    loopback_only: bool = False
    may_store: bool = True
    department_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Home:
    """What a sender's site lends to headers that do not say it themselves."""

    issuer_of_patient_id: str
    zone: ZoneInfo


def peers() -> dict[str, Peer]:
    """The active application entities by AE title; two queries, whatever their number."""
    found = ApplicationEntity.objects.filter(is_active=True).prefetch_related("departments")
    return {
        entity.ae_title.strip(): Peer(
            ae_title=entity.ae_title.strip(),
            address=entity.address,
            loopback_only=entity.loopback_only,
            may_store=entity.may_store,
            department_ids=tuple(
                sorted(department.pk for department in entity.departments.all() if department.is_active)
            ),
        )
        for entity in found
    }


def routing_rules() -> list[Rule]:
    """The active rules in the order in which they are tried."""
    rows = RoutingRule.objects.filter(is_active=True).prefetch_related("also").order_by("order", "pk")
    return [
        Rule(
            name=row.name,
            owner_id=row.owner_id,
            also_ids=tuple(department.pk for department in row.also.all()),
            door=row.door,
            calling_ae_title=row.calling_ae_title,
            station_name=row.station_name,
            institutional_department_name=row.institutional_department_name,
            modality=row.modality,
            requesting_service=row.requesting_service,
        )
        for row in rows
    ]


def home_of(department_ids: Iterable[int]) -> Home:
    """The site of these departments, or the only site there is; without either, no issuer and the portal's time zone."""
    ids = list(department_ids)
    sites = list(Site.objects.filter(departments__in=Department.objects.filter(pk__in=ids)).distinct()[:2])
    if not ids:
        sites = list(Site.objects.all()[:2])
    if len(sites) == 1:
        return Home(sites[0].issuer_of_patient_id, sites[0].zone)
    return Home("", sites[0].zone if sites else ZoneInfo(settings.TIME_ZONE))


def creator_of(study_id: int) -> tuple[str, str] | None:
    """(door, sender) of the first object of a study."""
    return InstanceVersion.objects.filter(instance__study=study_id).order_by("pk").values_list("door", "sender").first()
