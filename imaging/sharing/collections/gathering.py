"""Putting studies into a collection, and taking them out."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts import audit
from accounts.models import Department
from accounts.roles import Right
from imaging.sharing.collections import log, services
from imaging.sharing.collections.people import Person, rights_of
from imaging.sharing.collections.policies import NotDone
from imaging.sharing.copies import services as copies
from imaging.sharing.making.choosing import sharing_departments
from imaging.sharing.models import Collection, CollectionItem
from imaging.studies import oppositions
from imaging.studies.finding.chosen_studies import chosen_studies
from imaging.studies.models import PatientChoice, Study

#: Studies of one collection.
MOST: Final = 5000
_USES: Final = {
    Collection.Kind.TEACHING: PatientChoice.Use.TEACHING,
    Collection.Kind.RESEARCH: PatientChoice.Use.RESEARCH,
}


@dataclass(frozen=True, slots=True)
class Added:
    """What came of adding: how many went in, were there already, may not be shared by who adds, are opposed, are not known."""

    added: int = 0
    known: int = 0
    without_right: int = 0
    opposed: int = 0
    unknown: int = 0


def add(collection: Collection, person: Person, study_instance_uids: Iterable[str], *, note: str = "") -> Added:
    """Put studies into a collection, last in its order; each for a department in which who adds may share it.

    Raises ``NotDone`` for who may not add, an archived collection, and one that is full. A study that may not be shared
    stays out and is counted.
    """
    found = chosen_studies(person.scope, study_instance_uids, right=Right.SHARE)
    with transaction.atomic():
        row = services.held(collection, person, right="may_add")
        there = CollectionItem.objects.present().filter(collection=row)
        known = set(there.filter(study__in=[study.pk for study in found.studies]).values_list("study", flat=True))
        position = there.aggregate(last=Max("position"))["last"] or 0
        new = [study for study in found.studies if study.pk not in known]
        if there.count() + len(new) > MOST:
            raise NotDone("full", most=MOST)
        made, opposed, without = [], 0, found.without_right
        for study in new:
            department = _department(row, study, person)
            if department is None:
                without += 1
            elif _is_opposed(row, study):
                opposed += 1
            else:
                position += 1
                made.append(_new(row, study, department, position, note, person))
        _prepare(row, made, person)
        if made:
            log.touch(row)
    return Added(len(made), len(known), without, opposed, found.unknown)


def _department(collection: Collection, study: Study, person: Person) -> Department | None:
    """The department for which a study is shared: that of the collection where it may, else the first that may."""
    usable = sharing_departments(study, person.scope)
    return next((each for each in usable if each.pk == collection.department_id), usable[0] if usable else None)


def _is_opposed(collection: Collection, study: Study) -> bool:
    use = _USES.get(Collection.Kind(collection.kind))
    return use is not None and oppositions.is_opposed(study.patient, use)


def _new(
    collection: Collection, study: Study, department: Department, position: int, note: str, person: Person
) -> CollectionItem:
    item = CollectionItem.objects.create(
        collection=collection,
        study=study,
        department=department,
        patient=study.patient,
        position=position,
        note=note[:300],
        added_by=person.user,
    )
    log.record(audit.Action.COLLECTION_STUDY_ADDED, collection, actor=person.actor, study=study)
    return item


def _prepare(collection: Collection, items: list[CollectionItem], person: Person) -> None:
    if collection.deidentification is not None and items:
        wanted = [copies.Wanted(item.study) for item in items]
        copies.prepare(collection.deidentification, wanted, actor=person.actor)


def remove(collection: Collection, person: Person, pk: int) -> None:
    """Take a study out, at every door at once: for who manages, and for who put it there. Raises ``NotDone``."""
    with transaction.atomic():
        row: Collection = Collection.objects.select_for_update(of=("self",)).get(pk=collection.pk)
        item = CollectionItem.objects.present().select_related("study__patient").filter(collection=row, pk=pk).first()
        rights = rights_of(row, person)
        if item is None:
            return
        if rights is None or not (rights.manages or item.added_by_id == person.user.pk):
            raise NotDone("not_yours")
        item.removed_at, item.removed_by = timezone.now(), person.user
        item.save(update_fields=["removed_at", "removed_by"])
        log.touch(row)
        log.record(audit.Action.COLLECTION_STUDY_REMOVED, row, actor=person.actor, study=item.study)


def write_note(collection: Collection, person: Person, pk: int, note: str) -> None:
    """Say why a study is here: for who adds. Raises ``NotDone``."""
    with transaction.atomic():
        row = services.held(collection, person, right="may_add")
        if CollectionItem.objects.present().filter(collection=row, pk=pk).update(note=note[:300]):
            log.touch(row)


def move(collection: Collection, person: Person, pk: int, *, by: int) -> None:
    """Move a study up (-1) or down (1) in the order in which cases are presented: for who adds. Raises ``NotDone``."""
    with transaction.atomic():
        row = services.held(collection, person, right="may_add")
        items = list(CollectionItem.objects.present().filter(collection=row).order_by("position", "pk"))
        place = next((index for index, item in enumerate(items) if item.pk == pk), None)
        if place is None or not 0 <= place + by < len(items):
            return
        items.insert(place + by, items.pop(place))
        for position, item in enumerate(items, start=1):
            item.position = position
        CollectionItem.objects.bulk_update(items, ["position"])
        log.touch(row)
