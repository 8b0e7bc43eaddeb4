"""What collections lend to people: told to the two registries from which scopes and their conditions are built."""

from collections.abc import Collection as Keys
from collections.abc import Sequence
from typing import Final

from django.db.models import Q

from accounts import lending as people
from accounts.models import User
from accounts.roles import Right
from imaging.sharing.collections.querysets import lies_in
from imaging.sharing.models import Collection, CollectionMember
from imaging.studies import lending as studies
from imaging.studies.models import Study

_SEEN: Final = frozenset({Right.LIST, Right.VIEW})


def lent_to(user: User, departments: frozenset[int]) -> list[tuple[int, frozenset[Right]]]:
    """Return the collections that lend to a person, themselves or by a department, each with the rights. One query."""
    rows = CollectionMember.objects.filter(
        Q(user=user.pk) | Q(department__in=departments), collection__archived_at=None
    ).values_list("collection", "may_download")
    found: dict[int, bool] = {}
    for key, may_download in rows:
        found[key] = found.get(key, False) or may_download
    return [(key, _SEEN | {Right.DOWNLOAD} if may else _SEEN) for key, may in found.items()]


def names(study: int, collections: Keys[int]) -> Sequence[str]:
    """Return the identifiers of those of these collections that lend a study now."""
    keys = Collection.objects.filter(pk__in=collections).values_list("pk", "key")
    return sorted(key for pk, key in keys if Study.objects.filter(lies_in("pk", [pk]), pk=study).exists())


people.register(lent_to)
studies.register(studies.Sets(condition=lies_in, names=names))
