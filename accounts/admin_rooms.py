"""The rooms of the admin: its pages by what administrators look for, and not by the application they come from."""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import ModelAdmin
from django.db.models import Model, TextChoices
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class Room(TextChoices):
    """Every page of the admin says in which of these it stands (``ModelAdmin.room``), in the order of the index."""

    PEOPLE = "people", _("People and departments")
    MACHINES = "machines", _("Machines and interfaces")
    EXAMS = "exams", _("Exams and reports")
    IMAGES = "images", _("Images")
    STORAGE = "storage", _("Storage")
    WORK = "work", _("Work in the background")
    AUDIT = "audit", _("Audit")


def room_of(model_admin: "ModelAdmin[Any] | None") -> Room:
    """Return where a page stands; what says nothing is for those who look after the machinery."""
    return getattr(model_admin, "room", Room.WORK)


def furnished(pages: Iterable[dict[str, Any]], registry: "dict[type[Model], ModelAdmin[Any]]") -> list[dict[str, Any]]:
    """Return Django's list of applications, arranged by room; a room in which the reader may open nothing is left out."""
    by_room: dict[Room, list[dict[str, Any]]] = {room: [] for room in Room}
    for page in pages:
        by_room[room_of(registry.get(page["model"]))].append(page)
    return [_room(room, found) for room, found in by_room.items() if found]


def with_pages(rooms: list[dict[str, Any]], pages: Iterable[tuple[Room, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the rooms with pages that belong to no table among theirs; a room that was left out is opened for one."""
    found = {room["app_label"]: list(room["models"]) for room in rooms}
    for room, page in pages:
        found.setdefault(f"room-{room}", []).append(page)
    return [_room(room, found[f"room-{room}"]) for room in Room if f"room-{room}" in found]


def _room(room: Room, pages: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": room.label,
        "app_label": f"room-{room}",
        "app_url": f"{reverse('admin:index')}#room-{room}",
        "has_module_perms": True,
        "models": sorted(pages, key=lambda page: str(page["name"]).lower()),
    }
