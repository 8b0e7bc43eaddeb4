"""Comments: written, changed and deleted by their authors; who is named in one hears of it."""

import re
from collections.abc import Iterable
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from imaging.sharing.collections import log, notices, people, services
from imaging.sharing.collections.people import Person
from imaging.sharing.collections.policies import NotDone
from imaging.sharing.models import Collection, CollectionComment, CollectionItem

#: As Django allows user names, but for what ends a sentence; an address of mail names nobody.
_NAMED: Final = re.compile(r"(?<![\w@.+-])@([\w.@+-]{0,149}\w)")
#: Earlier wordings that are kept of one comment.
_KEPT: Final = 50
#: Comments of one collection.
_MOST: Final = 20_000


def names_in(words: str) -> list[str]:
    """Return the user names that a comment mentions, in small letters, each once."""
    return list(dict.fromkeys(name.lower() for name in _NAMED.findall(words)))


def mentioned(words: str, members: Iterable[User]) -> list[User]:
    """Return which of these members a comment names."""
    named = set(names_in(words))
    return [member for member in members if member.get_username().lower() in named]


def write(collection: Collection, person: Person, words: str, *, item: int | None = None) -> CollectionComment:
    """Say something about a collection, or about a study in it (primary key of the item). Raises ``NotDone``."""
    with transaction.atomic():
        row = services.held(collection, person, right="may_comment")
        if row.comments.count() >= _MOST:
            raise NotDone("too_many_comments")
        about = CollectionItem.objects.present().filter(collection=row, pk=item).first() if item else None
        made = CollectionComment.objects.create(collection=row, item=about, author=person.user, words=words)
        _done(row, made, person, "written")
        notices.tell_mentioned(row, mentioned(words, people.people_of(row)), actor=person.actor)
    return made


def change(collection: Collection, person: Person, pk: int, words: str) -> None:
    """Say one's own comment otherwise; what it said before is kept. Raises ``NotDone``."""
    with transaction.atomic():
        row = services.held(collection, person, right="may_comment")
        comment = _own(row, person, pk)
        if comment.words == words:
            return
        before = set(names_in(comment.words))
        _keep(comment)
        comment.words, comment.changed_at = words, timezone.now()
        comment.save(update_fields=["words", "changed_at", "before"])
        _done(row, comment, person, "changed")
        named = mentioned(words, people.people_of(row))
        new = [member for member in named if member.get_username().lower() not in before]
        notices.tell_mentioned(row, new, actor=person.actor)


def delete(collection: Collection, person: Person, pk: int) -> None:
    """Take one's own comment back: that there was one stays to be seen, what it said is kept and not shown. Raises ``NotDone``."""
    with transaction.atomic():
        row = services.held(collection, person, right="may_comment", is_open=False)
        comment = _own(row, person, pk)
        _keep(comment)
        comment.words, comment.deleted_at = "", timezone.now()
        comment.save(update_fields=["words", "deleted_at", "before"])
        _done(row, comment, person, "deleted")


def _own(collection: Collection, person: Person, pk: int) -> CollectionComment:
    found: CollectionComment | None = collection.comments.filter(pk=pk, author=person.user, deleted_at=None).first()
    if found is None:
        raise NotDone("not_your_comment")
    return found


def _keep(comment: CollectionComment) -> None:
    said_at = comment.changed_at or comment.written_at
    comment.before = [*comment.before, [said_at.isoformat(), comment.words]][-_KEPT:]


def _done(collection: Collection, comment: CollectionComment, person: Person, what: str) -> None:
    log.touch(collection)
    study = comment.item.study if comment.item is not None and collection.deidentification_id is None else None
    detail = {"comment": comment.pk, "what": what}
    log.record(audit.Action.COLLECTION_COMMENTED, collection, actor=person.actor, study=study, detail=detail)
