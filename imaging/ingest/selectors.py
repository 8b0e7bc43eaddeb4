"""Questions about senders, rules and the sites behind them."""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Max, Min
from django.utils import timezone

from accounts.models import Department, Site
from imaging.ingest.models import ApplicationEntity, QuarantinedObject, Receipt, RoutingRule
from imaging.ingest.routing import Rule
from imaging.ingest.spool import Spool
from imaging.studies.models import InstanceVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """What the DICOM door must know of an application entity, as one value."""

    ae_title: str
    address: str | None = None
    loopback_only: bool = False
    may_store: bool = True
    may_query: bool = False
    may_ask_worklist: bool = False
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
            may_query=entity.may_query,
            may_ask_worklist=entity.may_ask_worklist,
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


@dataclass(frozen=True, slots=True)
class Waiting:
    """What lies in the spool: how many objects, their bytes, and for how many seconds the oldest has waited."""

    objects: int
    octets: int
    oldest: float


def waiting(spool: Spool) -> Waiting:
    """What waits for registration in this machine's spool."""
    entries = spool.entries()
    octets = 0
    for entry in entries:
        with suppress(FileNotFoundError):  # registered meanwhile
            octets += entry.path.stat().st_size
    oldest = time.time() - entries[0].received_ns / 1e9 if entries else 0.0
    return Waiting(len(entries), octets, max(oldest, 0.0))


def received_today() -> dict[str, dict[str, int]]:
    """Objects by door and outcome since midnight (UTC)."""
    today = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    names = ("new", "duplicate", "conflict", "quarantined", "refused", "octets")
    found: dict[str, dict[str, int]] = {}
    for row in Receipt.objects.filter(hour__gte=today).only("door", *names):
        counts = found.setdefault(row.door, dict.fromkeys(names, 0))
        for name in names:
            counts[name] += getattr(row, name)
    return found


def registrar_lag() -> float:
    """The longest wait between spool and archive in this hour, in seconds."""
    hour = timezone.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return float(Receipt.objects.filter(hour=hour).aggregate(worst=Max("longest_wait"))["worst"] or 0.0)


def quarantine_depth() -> dict[str, tuple[int, float]]:
    """By reason: how many objects wait for a decision, and for how many seconds the oldest has."""
    rows = QuarantinedObject.objects.filter(state=QuarantinedObject.State.OPEN).values_list("reason")
    now = timezone.now()
    return {
        reason: (count, (now - oldest).total_seconds())
        for reason, count, oldest in rows.annotate(count=Count("pk"), oldest=Min("received_at")).order_by("reason")
    }


def silence() -> dict[str, bool]:
    """Of each application entity with an alarm: whether it has fallen silent."""
    rows = ApplicationEntity.objects.filter(is_active=True).exclude(silence_hours=None)
    return {title: since is not None for title, since in rows.values_list("ae_title", "silent_since")}
