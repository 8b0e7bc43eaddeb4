"""What a person was told, in their words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from accounts.models import Notification, NotificationPreference, User
from accounts.notifications import kinds, subjects
from accounts.notifications.groups import Group
from accounts.notifications.kinds import Kind
from accounts.scope import Scope
from accounts.selectors import capabilities_by_department

#: More unread than this are not counted.
MOST_COUNTED: Final = 100
PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Line:
    """One notification as its reader sees it."""

    row: Notification
    kind: Kind
    title: str
    text: str
    #: Whom or what it is about, as far as the reader may know.
    about: str = ""


@dataclass(frozen=True, slots=True)
class Bell:
    """What the bar shows: how many are unread, and the urgent ones in words."""

    unread: int
    urgent: tuple[Line, ...]
    paths: frozenset[str]

    @property
    def shown(self) -> str:
        """The number as text; empty for none."""
        if self.unread >= MOST_COUNTED:
            return f"{MOST_COUNTED - 1}+"
        return str(self.unread) if self.unread else ""


def _in_page(user: User) -> Any:
    known = [kind.name for kind in kinds.every()]
    return Notification.objects.filter(user=user, in_page=True, kind__in=known)


def bell(user: User) -> Bell:
    """Return what the bar shows of a person's notifications. One query."""
    rows = list(_in_page(user).filter(read_at=None).order_by("-is_urgent", "-happened_at")[:MOST_COUNTED])
    urgent = [row for row in rows if row.is_urgent]
    return Bell(len(rows), tuple(lines(urgent)), frozenset(row.path for row in rows if not row.is_urgent))


def unread(user: User) -> list[Notification]:
    """Return what a person has not read, the urgent first, then the newest."""
    return list(_in_page(user).filter(read_at=None).order_by("-is_urgent", "-happened_at")[:MOST_COUNTED])


def read(user: User, *, before: int | None = None) -> list[Notification]:
    """Return a page of what a person has read, the newest first, and one more if there is; older than ``before`` (its key)."""
    rows = _in_page(user).exclude(read_at=None)
    mark = rows.filter(pk=before).values_list("happened_at", flat=True).first() if before else None
    if mark is not None:
        rows = rows.filter(happened_at__lt=mark) | rows.filter(happened_at=mark, pk__lt=before)
    return list(rows.order_by("-happened_at", "-pk")[: PAGE + 1])


def own(user: User, pk: int) -> Notification | None:
    """Return a notification of this person."""
    found: Notification | None = _in_page(user).filter(pk=pk).first()
    return found


def lines(rows: Iterable[Notification], scope: Scope | None = None) -> list[Line]:
    """Return notifications in words; with a scope, with whom or what they are about as far as it shows that."""
    known = [(row, kind) for row in rows if (kind := kinds.named(row.kind)) is not None]
    about = subjects.described(scope, [_subject(row) for row, _kind in known]) if scope is not None else {}
    return [Line(row, kind, *kind.words(row.told), about.get(_subject(row), "")) for row, kind in known]


def _subject(row: Notification) -> tuple[str, str]:
    return row.subject_type, row.subject_uid


def kinds_for(user: User) -> list[tuple[Group, Sequence[Kind]]]:
    """Return the kinds that a person may be told of, group by group."""
    held = capabilities_by_department(user)
    found: dict[str, tuple[Group, list[Kind]]] = {}
    for kind in kinds.every():
        if kind.capability is None or kind.capability in held:
            found.setdefault(kind.group.name, (kind.group, []))[1].append(kind)
    return list(found.values())


def preferences(user: User) -> dict[str, tuple[bool, bool]]:
    """Return how a person is told of each kind they have chosen for: page and mail, by the name of the kind."""
    rows = NotificationPreference.objects.filter(user=user)
    return {name: (in_page, by_mail) for name, in_page, by_mail in rows.values_list("kind", "in_page", "by_mail")}
