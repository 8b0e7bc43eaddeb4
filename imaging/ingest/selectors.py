"""Questions about senders and about what waits in quarantine."""

from dataclasses import dataclass

from imaging.ingest.models import ApplicationEntity


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """What the DICOM door must know of an application entity, as one value."""

    ae_title: str
    address: str | None = None
    loopback_only: bool = False
    may_store: bool = True
    department_ids: tuple[int, ...] = ()


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
