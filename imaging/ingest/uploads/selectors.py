"""Questions about uploads: whose they are, what they hold, how much they hold of a person's share."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from accounts.models import Department, User
from accounts.roles import Capability
from accounts.selectors import capabilities_by_department
from imaging.ingest.models import Import, ImportedFile
from imaging.ingest.uploads import bringers
from imaging.ingest.uploads.bringers import Bringer, Outsider

_OPEN: Final = (Import.State.RECEIVING, Import.State.EXAMINING, Import.State.WAITING, Import.State.REGISTERING)
_MOST_UNFINISHED: Final = 50


def departments_of(user: User) -> list[Department]:
    """The departments that this person may bring images to, by name."""
    held = capabilities_by_department(user).get(Capability.UPLOAD, frozenset())
    return list(Department.objects.filter(pk__in=held).order_by("name")) if held else []


def may_upload_to(user: Bringer, department_id: int) -> bool:
    """Whether they may bring images to a department now."""
    return bringers.may_send(user, department_id)


def delivery_of(user: Bringer, delivery_id: UUID) -> Import | None:
    """One's own import, or None: another's is as good as absent."""
    return bringers.imports_of(user).filter(pk=delivery_id).first()


def file_of(user: Bringer, file_id: UUID) -> ImportedFile | None:
    """A file that they send, with its import; files found inside an archive are none."""
    found = ImportedFile.objects.select_related("delivery")
    return found.filter(bringers.is_of(user, "delivery__"), pk=file_id, archive__isnull=True).first()


@dataclass(frozen=True, slots=True)
class OpenImport:
    """What is asked of an unfinished import for every file: few columns of few rows, in one question."""

    pk: UUID
    department_id: int
    state: str
    expires_at: datetime
    byte_count: int
    file_count: int


def open_imports(user: Bringer) -> list[OpenImport]:
    """One's unfinished imports; together they use a person's share. What a person took from an inbox uses none of theirs."""
    columns = ("pk", "department_id", "state", "expires_at", "byte_count", "file_count")
    found = bringers.imports_of(user).filter(state__in=_OPEN).order_by()
    if not isinstance(user, Outsider):
        found = found.filter(channel="")
    return [OpenImport(*row) for row in found.values_list(*columns)]


def left_of(user: Bringer, held: list[OpenImport]) -> tuple[int, int]:
    """The bytes and files that may still come: of a person's share beside the unfinished imports, of a link's in all."""
    if isinstance(user, Outsider):
        used_bytes, used_files = bringers.came_by(user)
    else:
        used_bytes, used_files = sum(each.byte_count for each in held), sum(each.file_count for each in held)
    most_bytes, most_files = bringers.most_of(user)
    return most_bytes - used_bytes, most_files - used_files


def unfinished(user: Bringer) -> list[Any]:
    """Imports whose files are still arriving, latest first, with ``arrived_files`` and ``arrived_bytes``."""
    arrived = Q(files__state=ImportedFile.State.RECEIVED)
    return list(
        bringers.imports_of(user)
        .filter(state=Import.State.RECEIVING, expires_at__gt=timezone.now())
        .select_related("department")
        .annotate(arrived_files=Count("files", filter=arrived), arrived_bytes=Sum("files__length", filter=arrived))
        .order_by("-created_at")[:_MOST_UNFINISHED]
    )


def recent(user: Bringer, *, limit: int = 10) -> list[Import]:
    """Imports whose files have all come, latest first."""
    found = bringers.imports_of(user).exclude(state=Import.State.RECEIVING).select_related("department")
    return list(found.order_by("-created_at")[:limit])


def deliveries_of(user: User | None) -> QuerySet[Import]:
    """A person's imports; none for nobody."""
    return Import.objects.filter(owner=user).select_related("department") if user else Import.objects.none()


def sent_files(delivery: Import) -> Iterator[tuple[UUID, str, str]]:
    """(file, fingerprint, state) of what a browser has sent to an import."""
    rows = delivery.files.filter(archive__isnull=True).values_list("pk", "fingerprint", "state")
    yield from rows.iterator(chunk_size=2000)


def arriving_from_outside(channels: str) -> list[Import]:
    """Imports whose files still arrive from outside, by channels that begin so; the oldest first."""
    found = Import.objects.filter(state=Import.State.RECEIVING, channel__startswith=channels)
    return list(found.order_by("created_at")[:1000])


def expired() -> list[UUID]:
    """Imports that nobody went on with in time."""
    now = timezone.now()
    found = Import.objects.filter(state=Import.State.RECEIVING, expires_at__lte=now)
    return list(found.order_by("created_at").values_list("pk", flat=True)[:1000])


def abandoned(delivery_ids: list[UUID]) -> set[UUID]:
    """Those of these imports whose files nobody needs: cancelled, expired, or never recorded."""
    gone = (Import.State.CANCELLED, Import.State.EXPIRED)
    needed = Import.objects.filter(pk__in=delivery_ids).exclude(state__in=gone).values_list("pk", flat=True)
    return set(delivery_ids) - set(needed)
