"""Questions of the pages: my collections, one of them, what is in it, who belongs to it, what was said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.models import User
from accounts.roles import Right
from imaging.sharing.collections import people
from imaging.sharing.collections.people import Person
from imaging.sharing.collections.policies import Rights
from imaging.sharing.models import Collection, CollectionComment, CollectionItem, CollectionMember, CopiedStudy
from imaging.studies.models import Study

#: Studies of one page, collections of one list, comments that a page shows.
PAGE: Final = 100
MOST_LISTED: Final = 200
MOST_COMMENTS: Final = 100


def mine(person: Person, *, is_archived: bool, words: str = "") -> list[Collection]:
    """Return the collections of which somebody is a member, latest change first, with ``studies`` counted."""
    counted = (
        CollectionItem.objects.present().filter(collection=OuterRef("pk")).order_by().values("collection")
    ).annotate(count=Count("pk"))
    rows = Collection.objects.of(person.user.pk, person.departments).filter(archived_at__isnull=not is_archived)
    if words.strip():
        rows = rows.filter(Q(name__icontains=words.strip()) | Q(description__icontains=words.strip()))
    rows = rows.annotate(studies=Coalesce(Subquery(counted.values("count")), 0)).select_related("department", "made_by")
    return list(rows[:MOST_LISTED])


def addable(person: Person) -> list[Collection]:
    """Return the collections into which somebody may put studies now, latest change first."""
    may = CollectionMember.objects.filter(Q(may_add=True) | Q(manages=True))
    mine_by = may.filter(Q(user=person.user) | Q(department__in=person.departments))
    rows = Collection.objects.filter(pk__in=mine_by.values("collection"), archived_at=None)
    return list(rows.select_related("department")[:MOST_LISTED])


def collection_for(person: Person, key: str) -> tuple[Collection, Rights] | None:
    """Return a collection and what somebody may do in it; None for a stranger, and where there is none."""
    found = Collection.objects.select_related("department", "made_by", "deidentification").filter(key=key).first()
    rights = people.rights_of(found, person) if found is not None else None
    return (found, rights) if found is not None and rights is not None else None


def is_member(person: Person, key: str) -> bool:
    """Whether somebody belongs to the collection of this identifier."""
    rows: QuerySet[Collection] = Collection.objects.of(person.user.pk, person.departments)
    return rows.filter(key=key.replace("\x00", "")).exists()


@dataclass(frozen=True, slots=True)
class Line:
    """A study of a collection, for one reader. ``study`` is what they look at, None where there is nothing for them.

    Of a collection without identity that is the copy; ``source`` is told to who put it there and still sees it. ``is_lent`` is
    whether members get it now, ``copied`` how far its copy is.
    """

    item: CollectionItem
    number: int
    study: Study | None
    is_lent: bool
    may_remove: bool
    source: Study | None = None
    copied: CopiedStudy | None = None


def lines(
    collection: Collection, person: Person, rights: Rights, *, begin: int = 0, most: int = PAGE
) -> tuple[list[Line], bool]:
    """Return a page of a collection's studies in their order, as this reader may know them, and whether there are more."""
    rows = CollectionItem.objects.present().filter(collection=collection).order_by("position", "pk")
    found = list(rows.select_related("study__patient", "study__thumbnail", "added_by")[begin : begin + most + 1])
    items = found[:most]
    keys = [item.study_id for item in items]
    lent = set(rows.lent_by([collection.pk]).filter(study__in=keys).values_list("study", flat=True))
    copies = _copies(collection, keys)
    wanted = {*keys, *(row.copy_id for row in copies.values() if row.copy_id)}
    seen = set(Study.objects.visible_to(person.scope, Right.VIEW).filter(pk__in=wanted).values_list("pk", flat=True))
    lines = [
        _line(item, begin + number, collection, person, rights, copies.get(item.study_id), lent, seen)
        for number, item in enumerate(items, start=1)
    ]
    return lines, len(found) > most


def _copies(collection: Collection, sources: Sequence[int]) -> Mapping[int, CopiedStudy]:
    if collection.deidentification_id is None:
        return {}
    rows = CopiedStudy.objects.filter(deidentification=collection.deidentification_id, source__in=sources)
    return {row.source_id: row for row in rows.select_related("copy__patient", "copy__thumbnail")}


def _line(
    item: CollectionItem,
    number: int,
    collection: Collection,
    person: Person,
    rights: Rights,
    copied: CopiedStudy | None,
    lent: set[int],
    seen: set[int],
) -> Line:
    is_own = item.added_by_id == person.user.pk
    source = item.study if item.study_id in seen else None
    may_remove = rights.manages or is_own
    if collection.deidentification_id is None:
        return Line(item, number, source, item.study_id in lent, may_remove)
    copy = copied.copy if copied is not None and copied.copy_id in seen else None
    is_lent = item.study_id in lent and copied is not None and copied.state == CopiedStudy.State.READY
    return Line(item, number, copy, is_lent, may_remove, source if is_own else None, copied)


def members_of(collection: Collection) -> list[CollectionMember]:
    """Return the members, who manage first, then by name."""
    rows = list(collection.members.select_related("user", "department", "added_by"))
    return sorted(rows, key=lambda row: (not row.manages, row.user is None, _name(row).lower(), row.pk))


def _name(row: CollectionMember) -> str:
    return row.user.label if row.user is not None else row.department.label if row.department is not None else ""


def mentionable(collection: Collection) -> list[User]:
    """Return whom a comment can name: everybody who is a member now."""
    return people.people_of(collection)[:500]


def comments_of(collection: Collection) -> list[CollectionComment]:
    """Return the latest comments, newest first."""
    rows = collection.comments.select_related("author", "item__study")
    return list(rows.order_by("-written_at", "-pk")[:MOST_COMMENTS])
