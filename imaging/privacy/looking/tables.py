"""Answers of the desk as tables for a spreadsheet: guarded against formulas, in the reader's language."""

from collections.abc import Iterable

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.spreadsheet import answer
from imaging.privacy.looking.selectors import Group


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
