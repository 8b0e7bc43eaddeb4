"""Reading lists that people keep: saved lists as those of studies, of another list."""

from typing import Any

from django.http import QueryDict

from imaging.reports.reading import filters
from imaging.reports.reading.forms import SaveForm
from imaging.reports.reading.selectors import Reader
from imaging.studies.finding import saved_lists
from imaging.studies.finding.saved_lists import Powers, Recipient
from imaging.studies.models import SavedList


def powers_of(person: Reader) -> Powers:
    """What the reader may do with kept reading lists."""
    return saved_lists.powers_of(person.user, person.scope, SavedList.Of.READING)


def lists_for(powers: Powers) -> list[dict[str, Any]]:
    """The kept lists that a reader finds, each with its address and whether they may delete it."""
    return [
        {"list": kept, "address": f"?{kept.query}", "may_change": powers.may_change(kept)}
        for kept in saved_lists.lists_for(powers)
    ]


def keep(person: Reader, form: SaveForm, query: str) -> SavedList:
    """Keep the filters of an address under a name. Raises ``saved_lists.ListRefused``."""
    told = form.cleaned_data
    recipient = Recipient(told["audience"] or SavedList.Audience.MINE, told["department"], told.get("role", ""))
    tidy = filters.address(filters.read(QueryDict(query)))
    return saved_lists.save_list(
        powers_of(person), actor=person.actor, name=told["name"], query=tidy, columns=[], recipient=recipient
    )


def forget(person: Reader, key: str) -> None:
    """Delete a kept list. Raises ``saved_lists.ListNotFound``."""
    saved_lists.delete_list(powers_of(person), key, actor=person.actor)
