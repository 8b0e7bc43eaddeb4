"""Changing the catalogue: a file as a whole or not at all, the starter catalogue, and what a person keeps at hand."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models, transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actor import Actor
from accounts.models import Department, User
from imaging.orders.catalogue import questions, tables
from imaging.orders.catalogue.tables import Table
from imaging.orders.models import FavouriteProcedure, Procedure

_STARTER: Final = Path(__file__).resolve().parent / "starter"
#: What is kept by key elsewhere: a row of the table in which the code names it.
_NAMED: Final[Mapping[str, type[models.Model]]] = {
    "department": Department,
    "suggests": Procedure,
    "procedures": Procedure,
}


class CatalogueRefused(Exception):
    """A file has rows that cannot be; nothing of it was written. ``plan`` says which."""

    def __init__(self, plan: "Plan") -> None:
        """Keep what was found, line by line."""
        super().__init__(len(plan.refused))
        self.plan = plan


@dataclass(frozen=True, slots=True)
class Line:
    """What a row of a file would do. ``changes`` are (column, before, after)."""

    number: int
    key: str
    is_new: bool
    changes: tuple[tuple[str, str, str], ...]


@dataclass(slots=True)
class Plan:
    """What a file would do, row by row; ``refused`` are (line, what is wrong)."""

    lines: list[Line] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    same: int = 0
    _rows: list[tuple[Any, dict[str, Any]]] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """Tells two plans apart: what was looked at is what is written."""
        text = repr([(line.key, line.is_new, line.changes) for line in self.lines]) + repr(self.refused)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def added(self) -> int:
        """How many rows are new."""
        return sum(line.is_new for line in self.lines)


def planned(content: bytes, table: Table) -> Plan:
    """What a file would do to the catalogue as it is now. Raises ``tables.UnreadableTable``; writes nothing."""
    plan = Plan()
    rows = table.model._default_manager.all()
    if table.name == "rules":
        rows = rows.prefetch_related("procedures")
    known = {getattr(row, table.key): row for row in rows}
    named = {name: {row.code: row for row in model._default_manager.all()} for name, model in _NAMED.items()}  # type: ignore[attr-defined]
    seen: set[str] = set()
    for number, cells in tables.read(content, table):
        key = cells.get(table.key, "")
        if key in seen:
            plan.refused.append((number, _("%(key)s stands in the file twice") % {"key": key[:64]}))
            continue
        seen.add(key)
        try:
            _plan_row(plan, number, cells, table, known.get(key), named)
        except ValidationError as error:
            plan.refused.append((number, f"{key[:64]}: {'; '.join(_problems(error))}"))
    return plan


def _plan_row(
    plan: Plan, number: int, cells: dict[str, str], table: Table, known: Any, named: Mapping[str, Mapping[str, Any]]
) -> None:
    before = {name: tables.text_of(known, name) if known else "" for name in cells}
    row = known or table.model()
    several: dict[str, Any] = {}
    for name, text in cells.items():
        try:
            _put(row, several, name, text, named)
        except ValueError as error:
            raise ValidationError({name: str(error)}) from error
    questions.check(row)
    row.full_clean()
    after = {
        name: " ".join(one.code for one in several[name]) if name in several else tables.text_of(row, name)
        for name in cells
    }
    changes = tuple((name, before[name], after[name]) for name in cells if before[name] != after[name])
    if known is not None and not changes:
        plan.same += 1
        return
    plan.lines.append(Line(number, str(getattr(row, table.key)), known is None, changes))
    plan._rows.append((row, several))


def _put(row: Any, several: dict[str, Any], name: str, text: str, named: Mapping[str, Mapping[str, Any]]) -> None:
    """Write one cell into a row. Raises ``ValueError`` in words."""
    if name in named:
        found = [named[name].get(code) for code in text.replace(",", " ").split()]
        if None in found or (len(found) > 1 and name != "procedures"):
            raise ValueError(_("“%(text)s” is no code of one that there is") % {"text": text[:64]})
        if name == "procedures":
            several[name] = found
        else:
            setattr(row, name, found[0] if found else None)
        return
    described = row._meta.get_field(name)
    takes_default = not text and not described.blank and described.has_default()
    setattr(row, name, described.get_default() if takes_default else tables.value_of(described, text))


def _problems(error: ValidationError) -> list[str]:
    if not hasattr(error, "error_dict"):
        return [str(message) for message in error.messages]
    return [
        str(message) if name == NON_FIELD_ERRORS else f"{name}: {message}"
        for name, messages in error.message_dict.items()
        for message in messages
    ]


@transaction.atomic
def take_in(content: bytes, table: Table, *, actor: Actor, seen: str = "") -> Plan:
    """Write a file as a whole. Raises ``CatalogueRefused`` where a row cannot be, or where it would not do what was ``seen``."""
    plan = planned(content, table)
    if plan.refused or (seen and seen != plan.digest):
        raise CatalogueRefused(plan)
    for row, several in plan._rows:
        row.save()
        for name, rows in several.items():
            getattr(row, name).set(rows)
    if plan.lines:
        audit.record(
            audit.Action.SETTING_CHANGED,
            actor=actor,
            subject_type=table.model._meta.model_name or "",
            subject_uid="",
            detail={
                "via": "file",
                "added": plan.added,
                "changed": len(plan.lines) - plan.added,
                "rows": [line.key for line in plan.lines][:200],
            },
        )
    return plan


@transaction.atomic
def load_starter(*, actor: Actor) -> dict[str, int]:
    """Add what is missing of the catalogue that comes with the portal; what a hospital has already stays as it is."""
    return {name: take_in(_lacking(name), table, actor=actor).added for name, table in tables.TABLES.items()}


def missing_of_starter() -> dict[str, int]:
    """How many rows of each table the starter catalogue would add now."""
    return {name: len(list(tables.read(_lacking(name), table))) for name, table in tables.TABLES.items()}


def _lacking(name: str) -> bytes:
    """What the starter catalogue has of a table and the hospital has not, whatever the hospital made of the others."""
    table = tables.TABLES[name]
    keys = set(table.model._default_manager.values_list(table.key, flat=True))
    return _without((_STARTER / f"{name}.csv").read_bytes(), table, keys)


def _without(content: bytes, table: Table, keys: set[Any]) -> bytes:
    """A file of our own without the rows whose key is known: line by line, as they stand one on each."""
    head, *lines = content.decode().splitlines()
    cells = (row for _number, row in tables.read(content, table))
    return "\n".join(
        [head, *(line for line, row in zip(lines, cells, strict=True) if row[table.key] not in keys)]
    ).encode()


def star(user: User, procedure: Procedure, *, is_kept: bool) -> None:
    """Keep an exam at hand, or not any more."""
    if is_kept:
        FavouriteProcedure.objects.get_or_create(user=user, procedure=procedure)
    else:
        FavouriteProcedure.objects.filter(user=user, procedure=procedure).delete()
