"""Telling people, and noting what they have read."""

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone

from accounts.actor import Actor
from accounts.models import Notification, NotificationPreference, User
from accounts.notifications import kinds
from accounts.notifications.kinds import Kind

#: Bytes of the parameters of one notification, written as JSON.
_LONGEST_PARAMS: Final = 4000

_TELL: Final = """
    INSERT INTO accounts_notification AS known
        (user_id, kind, subject_type, subject_uid, params, path, count, in_page, is_urgent,
         created_at, happened_at, mail_due_at, mail_attempts, mail_problem)
    SELECT told.user_id, %(kind)s, %(subject_type)s, %(subject_uid)s, %(params)s::jsonb, %(path)s, 1, told.in_page,
           %(is_urgent)s, clock_timestamp(), clock_timestamp(),
           CASE WHEN told.by_mail THEN clock_timestamp() + %(gather)s * interval '1 second' END, 0, ''
    FROM unnest(%(people)s::bigint[], %(in_page)s::boolean[], %(by_mail)s::boolean[]) AS told (user_id, in_page, by_mail)
    ON CONFLICT (user_id, kind, subject_type, subject_uid) WHERE read_at IS NULL
    DO UPDATE SET count = known.count + 1, params = EXCLUDED.params, path = EXCLUDED.path, in_page = EXCLUDED.in_page,
                  happened_at = EXCLUDED.happened_at, mail_attempts = 0,
                  mail_due_at = coalesce(known.mail_due_at, EXCLUDED.mail_due_at)
"""


def notify(
    people: Iterable[User],
    kind: Kind,
    *,
    path: str,
    actor: Actor,
    subject: tuple[str, str] = ("", ""),
    params: Mapping[str, Any] | None = None,
) -> int:
    """Tell people of something, in the transaction in which it happens: in the page and by mail as each prefers. How many.

    ``path`` is the page of ours that says all about it; ``subject`` its type and UID: more of the same kind about the
    same subject, unread, counts up in place of a second line. ``params`` are the few values that the words of the kind
    take, and name no patient. Who did it (``actor``) is not told, unless the kind says so, nor who has left.

    Raises :class:`ValueError` for a path that is not ours, and for parameters that the kind does not take.
    """
    values = _checked(kind, path, params or {})
    active = {person.pk: person for person in people if person.is_active}
    if not kind.to_actor and actor.kind == "user":
        active = {pk: person for pk, person in active.items() if str(pk) != actor.id}
    told = _as_preferred(kind, sorted(active))
    if not told:
        return 0
    subject_type, subject_uid = subject
    with connection.cursor() as cursor:
        cursor.execute(
            _TELL,
            {
                "kind": kind.name,
                "subject_type": subject_type,
                "subject_uid": subject_uid,
                "params": values,
                "path": path,
                "is_urgent": kind.urgent,
                "gather": kind.gather.total_seconds(),
                "people": [pk for pk, _in_page, _by_mail in told],
                "in_page": [in_page for _pk, in_page, _by_mail in told],
                "by_mail": [by_mail for _pk, _in_page, by_mail in told],
            },
        )
    return len(told)


def _checked(kind: Kind, path: str, params: Mapping[str, Any]) -> str:
    if not path.startswith("/") or path.startswith("//") or "\\" in path or len(path) > 300:
        raise ValueError("a notification opens a page of the portal")
    if not set(params) <= kind.takes or "count" in params:
        raise ValueError(f"{kind.name} does not take these parameters: {', '.join(sorted(set(params) - kind.takes))}")
    values = json.dumps(dict(params))
    if len(values) > _LONGEST_PARAMS:
        raise ValueError(f"the parameters of {kind.name} are too long")
    return values


def _as_preferred(kind: Kind, people: list[int]) -> list[tuple[int, bool, bool]]:
    """Who is told how: (primary key, in the page, by mail), the people who want neither left out."""
    if not people:
        return []
    rows = NotificationPreference.objects.filter(kind=kind.name, user__in=people)
    preferred = {pk: (in_page, by_mail) for pk, in_page, by_mail in rows.values_list("user", "in_page", "by_mail")}
    told = [(pk, *kind.channels(*preferred.get(pk, (kind.in_page, kind.by_mail)))) for pk in people]
    return [entry for entry in told if entry[1] or entry[2]]


def mark_read(user: User, *, pks: Iterable[int] | None = None, path: str = "") -> int:
    """Note that a person has read these of theirs, or those that open a page (the urgent ones aside), or all. How many.

    A mail that was not sent yet is not owed any more, unless the kind's mail cannot be switched off.
    """
    unread = Notification.objects.filter(user=user, read_at=None, in_page=True)
    if pks is not None:
        unread = unread.filter(pk__in=list(pks))
    if path:
        unread = unread.filter(path=path, is_urgent=False)
    kept = [kind.name for kind in kinds.every() if kind.keeps_mail]
    now = timezone.now()
    with transaction.atomic():
        unread.exclude(kind__in=kept).update(mail_due_at=None)
        return unread.update(read_at=now)


def prefer(user: User, chosen: Mapping[str, tuple[bool, bool]]) -> None:
    """Keep how a person wants to be told: page and mail, by the name of the kind. What cannot be switched off stays on."""
    rows = []
    for name, (in_page, by_mail) in chosen.items():
        kind = kinds.named(name)
        if kind is None:
            continue
        in_page, by_mail = kind.channels(in_page, by_mail)
        rows.append(NotificationPreference(user=user, kind=name, in_page=in_page, by_mail=by_mail))
    NotificationPreference.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["user", "kind"], update_fields=["in_page", "by_mail"]
    )


def prune(*, days: int = 90) -> int:
    """Forget what was told long ago, read or not. How many."""
    before = timezone.now() - timedelta(days=days)
    return Notification.objects.filter(happened_at__lt=before, mail_due_at=None).delete()[0]
