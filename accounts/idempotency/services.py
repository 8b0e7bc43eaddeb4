"""Claims keys, keeps answers, gives them again. The database decides, so that all processes agree.

A key is kept for a day. Under the same key another principal has another request: nobody learns of, or gets, another's
answer.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from accounts.actor import Actor
from accounts.idempotency.models import KeyedRequest

KEPT: Final = timedelta(hours=24)
#: Who has not said for so long that work goes on has died.
AT_WORK: Final = timedelta(minutes=2)
#: Longer answers are not kept: the request is done anew, as if it had come without a key.
LONGEST_BODY: Final = 1024 * 1024

_CLAIM: Final = """
    INSERT INTO accounts_keyedrequest AS known
        (principal, key, route, digest, token, working_until, content_type, body, created_at, expires_at)
    VALUES (%(principal)s, %(key)s, %(route)s, '', %(token)s, %(until)s, '', '', %(now)s, %(expires)s)
    ON CONFLICT (principal, key) DO UPDATE SET
        route = EXCLUDED.route, digest = '', token = EXCLUDED.token, working_until = EXCLUDED.working_until,
        status = NULL, content_type = '', body = '', created_at = EXCLUDED.created_at, expires_at = EXCLUDED.expires_at
    WHERE known.expires_at <= %(now)s OR (known.status IS NULL AND known.working_until <= %(now)s)
    RETURNING id
"""


class AtWork(Exception):
    """The same request is being answered at this moment."""


@dataclass(slots=True)
class Claim:
    """The right to answer a request; it ends with ``settle`` or ``release``."""

    pk: int
    token: uuid.UUID


@dataclass(frozen=True, slots=True)
class Answered:
    """A request that was answered before: what it was, and what was said."""

    route: str
    digest: str
    status: int
    content_type: str
    body: bytes


def claim(*, actor: Actor, key: str, route: str) -> Claim | Answered:
    """Take a key for this request, or the answer that it had. Raises ``AtWork`` when somebody is just giving it."""
    now = timezone.now()
    principal = f"{actor.kind}:{actor.id}"[:80]
    values: dict[str, Any] = {
        "principal": principal,
        "key": key,
        "route": route[:300],
        "token": uuid.uuid4(),
        "until": now + AT_WORK,
        "now": now,
        "expires": now + KEPT,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        row = cursor.fetchone()
    if row is not None:
        return Claim(row[0], values["token"])
    known = KeyedRequest.objects.filter(principal=principal, key=key).first()
    if known is None or known.status is None:
        raise AtWork
    return Answered(known.route, known.digest, known.status, known.content_type, bytes(known.body))


def keep(claim: Claim) -> None:
    """Say that the work goes on."""
    _held(claim).update(working_until=timezone.now() + AT_WORK)


def settle(claim: Claim, *, digest: str, status: int, content_type: str, body: bytes) -> None:
    """Keep the answer for repetitions; one that is too long is not kept."""
    if len(body) > LONGEST_BODY:
        release(claim)
        return
    _held(claim).update(digest=digest, status=status, content_type=content_type[:100], body=body)


def release(claim: Claim) -> None:
    """Forget the request: nothing was done, and the next one with this key is the first."""
    _held(claim).delete()


def prune() -> int:
    """Forget requests whose day is over. How many."""
    return KeyedRequest.objects.filter(expires_at__lte=timezone.now()).delete()[0]


def _held(claim: Claim) -> Any:
    return KeyedRequest.objects.filter(pk=claim.pk, token=claim.token)
