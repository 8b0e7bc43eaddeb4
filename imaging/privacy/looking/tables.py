"""Answers of the desk as tables for a spreadsheet: guarded against formulas, in the reader's language."""

import csv
import io
from collections.abc import Iterable, Sequence

from django.http import HttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.spreadsheet import cell, separator_of
from imaging.privacy.looking.selectors import Group


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


def of_looks(groups: Iterable[Group]) -> HttpResponse:
    """Who looked, one line per person and day."""
    header = [
        *(_("Day"), _("Who"), _("Account"), _("Role"), _("Department"), _("First"), _("Last")),
        *(_("What"), _("Times"), _("Ground"), _("By which way"), _("Studies")),
    ]
    rows = (
        (
            *(group.day.isoformat(), group.name, group.account, ", ".join(group.roles), ", ".join(group.departments)),
            *(f"{timezone.localtime(group.first):%H:%M}", f"{timezone.localtime(group.last):%H:%M}"),
            *("; ".join(said for said, _number in group.done), group.count),
            *("; ".join(told.words for told in group.grounds), "; ".join(group.doors), " ".join(group.studies)),
        )
        for group in groups
    )
    return answer("access", header, rows)
