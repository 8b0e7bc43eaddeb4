"""Making a collection, changing it, and saying who belongs to it: each in one transaction with its audit."""

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Department, User
from imaging.sharing import secrets, selectors
from imaging.sharing.collections import log, notices
from imaging.sharing.collections.people import Person, rights_of
from imaging.sharing.collections.policies import NotDone, Rights, Wish
from imaging.sharing.copies import services as copies
from imaging.sharing.models import Collection, CollectionMember, Deidentification

_A = audit.Action


def make(person: Person, wish: Wish) -> Collection:
    """Make a collection, managed by whoever makes it. Raises ``NotDone``.

    Whether it lends copies without identity is said now and never changed: what a member has seen cannot be unseen.
    """
    if wish.department not in person.makes_in:
        raise NotDone("not_for_department")
    with transaction.atomic():
        department = Department.objects.get(pk=wish.department)
        made = Collection.objects.create(
            key=secrets.new_key(),
            name=wish.name,
            kind=wish.kind,
            description=wish.description,
            department=department,
            deidentification=_deidentification(person, department) if wish.is_deidentified else None,
            made_by=person.user,
        )
        CollectionMember.objects.create(
            collection=made, user=person.user, manages=True, may_add=True, may_download=True, added_by=person.user
        )
        detail = {"name": wish.name, "kind": wish.kind, "department": department.code}
        log.record(
            _A.COLLECTION_MADE, made, actor=person.actor, detail={**detail, "deidentified": wish.is_deidentified}
        )
    return made


def _deidentification(person: Person, department: Department) -> Deidentification:
    return copies.begin(person.user, selectors.policy_of(department.pk).copies_keep)


def held(collection: Collection, person: Person, *, right: str = "manages", is_open: bool = True) -> Collection:
    """Return a collection, locked, for who holds a right in it now. Raises ``NotDone``, where it is archived too."""
    locked: Collection = Collection.objects.select_for_update(of=("self",)).get(pk=collection.pk)
    rights = rights_of(locked, person)
    if rights is None or not getattr(rights, right):
        raise NotDone("not_yours")
    if is_open and locked.is_archived:
        raise NotDone("is_archived")
    return locked


def change(collection: Collection, person: Person, *, name: str, kind: str, description: str) -> Collection:
    """Call a collection otherwise. Raises ``NotDone``."""
    with transaction.atomic():
        row = held(collection, person)
        was = {"name": row.name, "kind": row.kind, "description": row.description}
        row.name, row.kind, row.description = name, kind, description
        row.save(update_fields=["name", "kind", "description"])
        log.touch(row)
        log.record(_A.COLLECTION_CHANGED, row, actor=person.actor, detail={"name": name, "kind": kind, "was": was})
    return row


def archive(collection: Collection, person: Person, *, is_archived: bool) -> None:
    """Put a collection away, so that it lends nothing any more, or bring it back. Raises ``NotDone``."""
    with transaction.atomic():
        row = held(collection, person, is_open=False)
        if row.is_archived == is_archived:
            return
        row.archived_at = timezone.now() if is_archived else None
        row.save(update_fields=["archived_at"])
        log.touch(row)
        log.record(_A.COLLECTION_CHANGED, row, actor=person.actor, detail={"archived": is_archived})


def set_member(
    collection: Collection,
    person: Person,
    rights: Rights,
    *,
    user: User | None = None,
    department: Department | None = None,
) -> CollectionMember:
    """Let a person or a department into a collection, or give a member other rights. Raises ``NotDone``."""
    with transaction.atomic():
        row = held(collection, person)
        if department is not None and rights.manages:
            raise NotDone("people_manage")
        before = CollectionMember.objects.filter(collection=row, user=user, department=department).first()
        member, is_new = CollectionMember.objects.update_or_create(
            collection=row,
            user=user,
            department=department,
            defaults=rights.told(),
            create_defaults={**rights.told(), "added_by": person.user},
        )
        if before is not None and before.manages and not rights.manages:
            _keep_a_manager(row)
        log.touch(row)
        detail = {**_named(member), **rights.told(), "is_new": is_new}
        log.record(_A.COLLECTION_MEMBER_SET, row, actor=person.actor, detail=detail)
        if is_new and user is not None:
            notices.tell_invited(row, user, actor=person.actor)
    return member


def remove_member(collection: Collection, person: Person, pk: int) -> None:
    """Take a member out: it holds at every door from the next request on. Raises ``NotDone``."""
    with transaction.atomic():
        row = held(collection, person, is_open=False)
        member = CollectionMember.objects.filter(collection=row, pk=pk).first()
        if member is not None:
            _remove(row, member, person)


def leave(collection: Collection, person: Person) -> None:
    """Leave a collection of which one is a member oneself. Raises ``NotDone`` for who is one by a department, or manages alone."""
    with transaction.atomic():
        row: Collection = Collection.objects.select_for_update(of=("self",)).get(pk=collection.pk)
        member = CollectionMember.objects.filter(collection=row, user=person.user).first()
        if member is None:
            raise NotDone("by_department")
        _remove(row, member, person)


def _remove(collection: Collection, member: CollectionMember, person: Person) -> None:
    named = _named(member)
    member.delete()
    _keep_a_manager(collection)
    log.touch(collection)
    log.record(_A.COLLECTION_MEMBER_REMOVED, collection, actor=person.actor, detail=named)


def _keep_a_manager(collection: Collection) -> None:
    """Refuse, and so undo, what would leave nobody who can still sign in to manage it."""
    if not CollectionMember.objects.filter(collection=collection, manages=True, user__is_active=True).exists():
        raise NotDone("last_manager")


def _named(member: CollectionMember) -> dict[str, str]:
    if member.user is not None:
        return {"user": member.user.get_username()}
    return {"department": member.department.code if member.department else ""}
