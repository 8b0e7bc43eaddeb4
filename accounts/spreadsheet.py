"""Cells that a spreadsheet may open: text stays text (OWASP, "CSV Injection")."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from django.http import HttpResponse
from django.utils import timezone, translation

#: What makes a cell a formula in one spreadsheet or another, in both widths.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "＝", "＋", "－", "＠")


def cell(value: object) -> str:
    """Return a value as the text of one cell: one line, and no formula in any spreadsheet."""
    text = str(value).replace("\x00", "")
    guarded = f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
    return " ".join(guarded.splitlines()) if "\n" in guarded or "\r" in guarded else guarded


def separator_of(language: str) -> str:
    """Return where spreadsheets of a language split a line: at the semicolon where decimals have a comma."""
    return ";" if language.startswith("fr") else ","


def answer(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A CSV file to download; ``name`` without an ending, and nothing of a patient in it."""
    text = io.StringIO()
    separator = separator_of(translation.get_language() or "en")
    writer = csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([cell(value) for value in row])
    content = "\N{ZERO WIDTH NO-BREAK SPACE}" + text.getvalue()
    response = HttpResponse(content.encode("utf-8", "replace"), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-{timezone.localtime():%Y-%m-%d-%H%M}.csv"'
    response["Cache-Control"] = "private, no-store"
    return response
