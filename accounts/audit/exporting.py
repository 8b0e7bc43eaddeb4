"""Taking the audit out as files: in order, put on record before the first line, and to be gone on with after a break."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final

from django.db.models import QuerySet

from accounts.actor import Actor
from accounts.audit import dicom_codes, order
from accounts.audit.actions import Action
from accounts.audit.formats import dicom_xml, fhir, json_lines
from accounts.audit.models import AuditEvent
from accounts.audit.record import record

#: Name of a format to how it writes one event: a whole line each.
FORMATS: Final[Mapping[str, Callable[[AuditEvent], bytes]]] = MappingProxyType(
    {"json": json_lines.line, "fhir": fhir.line, "dicom": dicom_xml.line}
)
#: What a browser is told of each, and how the file's name ends.
MEDIA_TYPES: Final = MappingProxyType(
    {
        "json": ("application/x-ndjson", "jsonl"),
        "fhir": ("application/fhir+ndjson", "ndjson"),
        "dicom": ("application/xml-external-parsed-entity", "xml"),
    }
)
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events: from a moment, until another, with these actions, about this patient; and after which number."""

    since: datetime | None = None
    until: datetime | None = None
    actions: tuple[str, ...] = ()
    patient_id: str = ""
    after: int = 0

    def rows(self, through: int) -> QuerySet[AuditEvent]:
        """The events, without an order."""
        found = AuditEvent.objects.filter(number__gt=self.after, number__lte=through).order_by()
        if self.since is not None:
            found = found.filter(at__gte=self.since)
        if self.until is not None:
            found = found.filter(at__lt=self.until)
        if self.actions:
            found = found.filter(action__in=self.actions)
        if self.patient_id:
            found = found.exclude(patient_id="").filter(patient_id=self.patient_id)
        return found

    def told(self) -> dict[str, Any]:
        """The same as the audit tells it."""
        said = {
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
            "actions": list(self.actions),
            "after": self.after or "",
        }
        return {name: value for name, value in said.items() if value}


def put_on_record(
    actor: Actor, *, form: str, events: int, detail: dict[str, Any], patient_id: str = "", issuer: str = ""
) -> None:
    """Record that the audit is about to leave. Raises :class:`AuditUnavailable`: then nothing may leave."""
    record(
        Action.AUDIT_EXPORTED,
        actor=actor,
        subject_type="audit",
        patient_id=patient_id,
        issuer_of_patient_id=issuer,
        detail={"format": form, "events": events, **detail},
        fail_closed=True,
    )


def lines(rows: QuerySet[AuditEvent], form: str) -> Iterator[bytes]:
    """Yield the file of these events, a line each, in the order that the query has."""
    write = FORMATS[form]
    for event in rows.iterator(chunk_size=_PAGE):
        yield write(event)


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export to a file wrote, and the number to go on after."""

    events: int
    through: int


class CannotResume(Exception):
    """The file is there, and nothing beside it says how far it is."""


def export_to_file(
    destination: Path,
    wanted: Wanted,
    *,
    form: str,
    actor: Actor,
    resume: bool = False,
    progress: Callable[[int], None] = lambda _count: None,
) -> Exported:
    """Write the events to a file, page by page, each page durable before the next begins.

    A ``.state`` file beside it says how far it is, with the length of the file then: after a break, with ``resume``, what
    was half written is cut off and the rest follows. It stays, so that a later run goes on where this one ended. Raises
    :class:`AuditUnavailable`, :class:`CannotResume`, :class:`FileExistsError`,
    :class:`order.NotSettled`, :class:`OSError`.
    """
    state = destination.with_name(destination.name + ".state")
    length, after = _standing(destination, state, resume=resume)
    wanted = replace(wanted, after=max(after, wanted.after))
    through = order.settled_through()
    put_on_record(
        actor,
        form=form,
        events=wanted.rows(through).count(),
        detail={"file": destination.name, **wanted.told()},
        patient_id=wanted.patient_id,
    )
    descriptor = os.open(destination, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        file.truncate(length)
        file.seek(length)
        written = _pages(file, state, wanted, form, through, progress)
    return Exported(events=written, through=max(through, wanted.after))


def _standing(destination: Path, state: Path, *, resume: bool) -> tuple[int, int]:
    """Return how long the file is to be, and the number after which to go on."""
    if not destination.exists():
        return 0, 0
    if not resume:
        raise FileExistsError(destination)
    try:
        held = json.loads(state.read_text(encoding="utf-8"))
        return int(held["octets"]), int(held["through"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotResume(destination.name) from error


def _pages(
    file: IO[bytes], state: Path, wanted: Wanted, form: str, through: int, progress: Callable[[int], None]
) -> int:
    write, written = FORMATS[form], 0
    for rows, reached in order.pages(after=wanted.after, through=through, among=wanted.rows(through)):
        for event in rows:
            file.write(write(event))
        file.flush()
        os.fsync(file.fileno())
        _keep(state, {"through": reached, "octets": file.tell(), "format": form})
        written += len(rows)
        progress(len(rows))
    return written


def _keep(state: Path, held: dict[str, Any]) -> None:
    partial = state.with_name(state.name + ".part")
    partial.write_text(json.dumps(held), encoding="utf-8")
    partial.replace(state)


def known_actions(names: list[str]) -> tuple[str, ...]:
    """Return the actions that these names mean: an action's own, or a DICOM event's code. Raises :class:`ValueError`."""
    found: list[str] = []
    for name in names:
        actions = [name] if name in Action.values else dicom_codes.actions_of([name])
        if not actions:
            raise ValueError(name)
        found += actions
    return tuple(found)
