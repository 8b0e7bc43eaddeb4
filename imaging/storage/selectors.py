"""Questions about contents and their copies."""

from collections.abc import Iterable

from imaging.storage.models import ObjectCopy, StoredObject

# Best first: what was read back, then what was written; a missing copy may be there again after a disk is back.
_PREFERENCE = {ObjectCopy.State.VERIFIED: 0, ObjectCopy.State.WRITTEN: 1, ObjectCopy.State.MISSING: 2}


def readable_copies(content: StoredObject) -> list[ObjectCopy]:
    """Copies that may be read, the most trusted first; damaged ones are never read."""
    copies = [copy for copy in content.copies.all() if copy.state in _PREFERENCE]
    return sorted(copies, key=lambda copy: (_PREFERENCE[ObjectCopy.State(copy.state)], copy.pk))


def contents_by_digest(kind: str, digests: Iterable[str]) -> dict[str, StoredObject]:
    """Contents of one kind by the SHA-256 of their file."""
    rows = StoredObject.objects.filter(kind=kind, file_sha256__in=set(digests))
    return {row.file_sha256: row for row in rows}
