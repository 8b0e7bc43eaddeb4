"""The files of an import as they lie beside the archive, walked the same way each time."""

from collections.abc import Iterator
from uuid import UUID

from imaging.ingest.media import files, walk
from imaging.ingest.media.found import Found
from imaging.ingest.media.limits import Budget
from imaging.ingest.models import Import, ImportedFile
from imaging.ingest.uploads import staging


def sent_files(delivery: Import, *, kinds: tuple[str, ...] = ()) -> Iterator[ImportedFile]:
    """The uploaded files, in one order for every walk."""
    rows = delivery.files.filter(archive__isnull=True).order_by("path", "id")
    yield from (rows.filter(kind__in=kinds) if kinds else rows).iterator(chunk_size=500)


def walk_file(sent: ImportedFile, budget: Budget) -> Iterator[Found]:
    """An uploaded file, and what it holds when it is a zip: the first one found is the file itself.

    Raises ``MediaError`` when the budget is spent.
    """
    budget.count_entry()
    found = files.file_at(staging.path_of(sent.delivery_id, sent.pk), sent.path)
    yield from walk.contents(found, budget, scratch=staging.folder_of(sent.delivery_id))


def remove(delivery_id: UUID) -> None:
    """Remove the files of an import, once nothing needs them."""
    staging.remove_folder(delivery_id)
