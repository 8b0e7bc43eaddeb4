"""Imports as a browser leaves them: files beside the archive, and rows that say they have come."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from accounts.actor import Actor
from accounts.models import Department, User
from accounts.scope import scope_of_user
from imaging.ingest.imports import decisions, selectors
from imaging.ingest.imports.decisions import Answer
from imaging.ingest.imports.importer import Importer
from imaging.ingest.models import Import, ImportedFile
from imaging.ingest.uploads import staging


def brought(owner: User, department: Department, files: Mapping[str, bytes | Path]) -> Import:
    """An import whose files have all come."""
    delivery = Import.objects.create(
        owner=owner,
        department=department,
        state=Import.State.EXAMINING,
        file_count=len(files),
        expires_at=timezone.now() + timedelta(hours=24),
    )
    staging.make_folder(delivery.pk)
    for path, content in files.items():
        octets = content.read_bytes() if isinstance(content, Path) else content
        row = ImportedFile.objects.create(
            pk=uuid.uuid4(), delivery=delivery, path=path, length=len(octets), state=ImportedFile.State.RECEIVED
        )
        staging.path_of(delivery.pk, row.pk).write_bytes(octets)
    return delivery


def worked_on(delivery: Import) -> Import:
    """The import after the importer did what there was to do."""
    Importer().work()
    delivery.refresh_from_db()
    return delivery


def actor_of(user: User) -> Actor:
    """The person as the audit names them."""
    return Actor(kind="user", id=str(user.pk), name=user.get_username())


def questions(delivery: Import) -> list[selectors.Question]:
    """What the owner is asked."""
    return selectors.questions(delivery, scope_of_user(delivery.owner))


def confirmed(delivery: Import, **answers: Answer) -> Import:
    """The import after its owner answered: every study is chosen, and what is suggested unless told otherwise."""
    asked = questions(delivery)
    suggested = {one.person.key: _suggested(one) for one in asked}
    studies = [uid for one in asked for uid in one.person.studies]
    return decisions.confirm(
        actor=actor_of(delivery.owner),
        user=delivery.owner,
        scope=scope_of_user(delivery.owner),
        delivery_id=delivery.pk,
        answers={**suggested, **answers},
        studies=studies,
    )


def _suggested(question: selectors.Question) -> Answer:
    choice, _colon, pk = question.suggested.partition(":")
    return Answer(choice or "new", int(pk) if pk else None, issuer=question.issuer)
