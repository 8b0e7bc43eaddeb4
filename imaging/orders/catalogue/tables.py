r"""The catalogue as tables: which columns a file has, and how a row becomes text and text a row. Pure, but for the names of rows.

Text that a spreadsheet would take for a formula is written with a leading apostrophe (`accounts.spreadsheet`), and lines of
a text as `\n`; both are taken back on reading.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db import models
from django.utils.translation import gettext as _

from accounts.models import Department
from imaging.orders.models import AppropriatenessRule, Procedure, SafetyQuestion

#: Bytes and lines of a file: a catalogue has hundreds of rows.
MOST_BYTES: Final = 1024 * 1024
MOST_ROWS: Final = 5000
_YES: Final = frozenset({"1", "yes", "true", "oui", "vrai", "x"})
_NO: Final = frozenset({"", "0", "no", "false", "non", "faux"})


class UnreadableTable(ValueError):
    """The file is no table of the catalogue; the text says why, for a person."""


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of rows: ``key`` is the column that tells them apart."""

    name: str
    model: type[models.Model]
    key: str
    columns: tuple[str, ...]


TABLES: Final[Mapping[str, Table]] = {
    table.name: table
    for table in (
        Table(
            "procedures",
            Procedure,
            "code",
            (
                *("code", "name", "name_fr", "words", "loinc", "radlex", "ccam", "modality", "region"),
                *("body_part_examined", "sides", "contrast", "subspecialty", "duration_minutes", "department"),
                *("preparation", "preparation_fr", "protocol", "needs_vetting", "dose_quantity", "typical_dose"),
                *("reference_level", "effective_dose_msv", "repeat_days", "is_active"),
            ),
        ),
        Table(
            "questions",
            SafetyQuestion,
            "code",
            (
                *("code", "text", "text_fr", "hint", "hint_fr", "modalities", "contrasts", "sex", "youngest", "oldest"),
                *("answer", "unit", "alarming", "asks_more", "position", "is_active"),
            ),
        ),
        Table(
            "rules",
            AppropriatenessRule,
            "name",
            (
                *("name", "modality", "region", "procedures", "words", "without", "sex", "youngest", "oldest"),
                *("score", "text", "text_fr", "suggests", "source", "is_active"),
            ),
        ),
    )
}


def read(content: bytes, table: Table) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a file with the number of the line on which each ends. Raises ``UnreadableTable``."""
    if len(content) > MOST_BYTES:
        raise UnreadableTable(_("The file is larger than 1 MB: no catalogue is. Nothing was read."))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    if "\x00" in text:
        raise UnreadableTable(_("This is no CSV file. Save the table as CSV (UTF-8), and choose that."))
    head = text.split("\n", 1)[0]
    separator = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        yield from _rows(reader, table)
    except csv.Error as error:
        raise UnreadableTable(_("Line %(line)d cannot be read as CSV.") % {"line": reader.line_num}) from error


def _rows(reader: Any, table: Table) -> Iterator[tuple[int, dict[str, str]]]:
    header = [name.strip().casefold() for name in next(reader, [])]
    unknown = sorted(set(header) - set(table.columns) - {""})
    if table.key not in header or unknown or len(set(header)) != len(header):
        told = {"key": table.key, "unknown": ", ".join(unknown)[:200] or "–"}
        raise UnreadableTable(
            _("The first line has to name the columns, “%(key)s” among them, each once. Not known: %(unknown)s.") % told
        )
    for count, cells in enumerate(reader):
        if count >= MOST_ROWS:
            raise UnreadableTable(_("The file has more than %(count)d rows.") % {"count": MOST_ROWS})
        if any(cell.strip() for cell in cells):
            yield reader.line_num, {name: _unguarded(cell) for name, cell in zip(header, cells, strict=False) if name}


def _unguarded(cell: str) -> str:
    text = cell.strip()
    if text.startswith("'") and text[1:].lstrip(" ")[:1] in set("=+-@|＝＋－＠"):
        text = text[1:]
    return text.replace("\\n", "\n")


def value_of(field: Any, text: str) -> Any:
    """What a cell says of a plain field. Raises ``ValueError``, whose text is for a person."""
    if isinstance(field, models.BooleanField):
        word = text.casefold()
        if word not in _YES | _NO:
            raise ValueError(_("“%(text)s” is neither yes nor no") % {"text": text[:40]})
        return word in _YES
    if hasattr(field, "base_field"):
        return text.replace(",", " ").split()
    if isinstance(field, models.DecimalField):
        text = text.replace(",", ".").replace("\N{NO-BREAK SPACE}", "").replace("\N{NARROW NO-BREAK SPACE}", "")
    return None if text == "" and field.null else text


def text_of(row: Any, name: str) -> str:
    """What a cell says of a row."""
    value = [one.code for one in row.procedures.all()] if name == "procedures" else getattr(row, name)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return " ".join(str(item) for item in value)
    if isinstance(value, (Department, Procedure)):
        return value.code
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value).replace("\r\n", "\n").replace("\n", "\\n")


def written(rows: Sequence[Any], table: Table) -> list[list[str]]:
    """Rows as the lines of a file."""
    return [[text_of(row, name) for name in table.columns] for row in rows]
