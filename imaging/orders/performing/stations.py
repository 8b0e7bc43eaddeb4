"""Machines that ask for the worklist and report exams, and the rooms that they do so for."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from imaging.orders.models import Room


@dataclass(frozen=True, slots=True)
class Station:
    """A machine by its AE title, and the departments that it acts for."""

    ae_title: str
    department_ids: Sequence[int] = ()


def rooms_of(station: Station) -> QuerySet[Room]:
    """The rooms that it is the machine of, and all those of its departments."""
    return Room.objects.filter(Q(department__in=station.department_ids) | Q(station__ae_title=station.ae_title))
