"""What collections lend to people: told to the two registries from which scopes and their conditions are built."""

from collections.abc import Collection as Keys
from collections.abc import Mapping, Sequence
from typing import Final

from django.db.models import Q

from accounts import lending as people
from accounts.models import User
from accounts.roles import Right
from imaging.sharing.collections import people as members
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


def names(study: int, collections: Keys[int]) -> Mapping[int, str]:
    """Return those of these collections that lend a study now, as the audit names them: name and identifier."""
    rows = Collection.objects.filter(pk__in=collections).order_by("pk").values_list("pk", "name", "key")
    return {
        pk: f"{name} ({key})"
        for pk, name, key in rows
        if Study.objects.filter(lies_in("pk", [pk]), pk=study, sensitivity="", instance_count__gt=0).exists()
    }


def readers(study: int) -> Sequence[tuple[User, frozenset[Right]]]:
    """Return everybody to whom a collection lends a study now, once for each collection, with what it gives them."""
    itself = Q(deidentification=None, items__study=study, items__removed_at=None)
    copied = Q(deidentification__copies__copy=study)
    holding = Collection.objects.filter(itself | copied, archived_at=None).distinct()
    lending = names(study, list(holding.values_list("pk", flat=True)))
    return [pair for row in holding if row.pk in lending for pair in _members(row)]


def _members(collection: Collection) -> list[tuple[User, frozenset[Right]]]:
    rows = list(CollectionMember.objects.filter(collection=collection))
    downloading = {row.user_id for row in rows if row.may_download}
    departments = [row.department_id for row in rows if row.may_download and row.department_id is not None]
    by_department = set(members.working_in(departments)) if departments else set()
    return [
        (user, _SEEN | {Right.DOWNLOAD} if user.pk in downloading | by_department else _SEEN)
        for user in members.people_of(collection)
    ]


people.register(lent_to)
studies.register(studies.Sets(condition=lies_in, names=names, readers=readers))
