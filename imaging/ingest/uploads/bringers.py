"""Who sends files: a person of the house, or somebody outside by a link; and what is theirs. Another's is as good as absent."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q, QuerySet, Sum
from django.http import HttpRequest

from accounts.models import User
from accounts.roles import Capability
from accounts.selectors import capabilities_by_department
from imaging.ingest.models import Import
from imaging.ingest.uploads import refusals


@dataclass(frozen=True, slots=True)
class Outsider:
    """Somebody without an account, let in by a door of their own for one department.

    ``channel`` is by what they came, ``visitor`` which of its visits this is: neither sees what another one sent. ``stands``
    says whether they may still send at this moment; ``most_bytes`` and ``most_files`` are for all that comes by the channel.
    """

    channel: str
    visitor: str
    name: str
    department_id: int
    most_bytes: int
    most_files: int
    stands: Callable[[], bool]


Bringer = User | Outsider

#: States of which nothing is left.
_GONE = (Import.State.CANCELLED, Import.State.EXPIRED)


def bringer_of(request: HttpRequest) -> Bringer:
    """Who sends this request: ``request.outsider`` where a door for them set one. Raises ``NotSignedIn``."""
    outsider = getattr(request, "outsider", None)
    if isinstance(outsider, Outsider):
        return outsider
    if isinstance(request.user, User):
        return request.user
    raise refusals.NotSignedIn


def is_of(bringer: Bringer, prefix: str = "") -> Q:
    """The condition that an import is theirs; with ``prefix``, on what belongs to one."""
    if isinstance(bringer, Outsider):
        return Q(**{f"{prefix}channel": bringer.channel, f"{prefix}visitor": bringer.visitor})
    return Q(**{f"{prefix}owner": bringer.pk})


def imports_of(bringer: Bringer) -> QuerySet[Import]:
    """Their imports."""
    return Import.objects.filter(is_of(bringer))


def may_send(bringer: Bringer, department_id: int) -> bool:
    """Whether they may bring images to a department now."""
    if isinstance(bringer, Outsider):
        return department_id == bringer.department_id and bringer.stands()
    return department_id in capabilities_by_department(bringer).get(Capability.UPLOAD, frozenset())


def check(bringer: Bringer, department_id: int) -> None:
    """Raise ``NotAllowed``, or ``LinkEnded`` for somebody outside, unless they may bring images to a department now."""
    if not may_send(bringer, department_id):
        raise refusals.LinkEnded if isinstance(bringer, Outsider) else refusals.NotAllowed


def most_of(bringer: Bringer) -> tuple[int, int]:
    """The bytes and files that they may send in all."""
    if isinstance(bringer, Outsider):
        return bringer.most_bytes, bringer.most_files
    return settings.UPLOAD_QUOTA_BYTES, settings.UPLOAD_QUOTA_FILES


def came_by(outsider: Outsider) -> tuple[int, int]:
    """The bytes and files that came by a channel so far, whoever sent them, without what was forgotten."""
    rows = Import.objects.filter(channel=outsider.channel).exclude(state__in=_GONE)
    found = rows.aggregate(octets=Sum("byte_count"), files=Sum("file_count"))
    return found["octets"] or 0, found["files"] or 0
