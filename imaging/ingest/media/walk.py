"""The one walk over what a person or an operator names: a file, a folder, a zip, and the zips among the files."""

from collections.abc import Iterator
from pathlib import Path

from imaging.ingest.media import archive, files, folder, names
from imaging.ingest.media.found import Found
from imaging.ingest.media.kinds import Kind
from imaging.ingest.media.limits import Budget
from imaging.ingest.media.trouble import MediaError, Trouble


def walk(path: Path, budget: Budget, *, scratch: Path | None = None) -> Iterator[Found]:
    """Every file under ``path``, archives before what they hold; nothing of it is trusted.

    Never raises for what one file is; a spent budget ends the walk with a last entry that says so.
    """
    try:
        # The operator's own path may be a link; those below it are not followed.
        resolved = path.resolve(strict=True)
    except (OSError, RuntimeError):
        yield Found(names.shown(str(path)), 0, Kind.JUNK, trouble=Trouble.MISSING)
        return
    try:
        listed = folder.walk_folder(resolved, budget) if resolved.is_dir() else _single(resolved, budget)
        for found in listed:
            yield from contents(found, budget, scratch=scratch)
    except MediaError as error:
        yield Found(names.shown(path.name), 0, Kind.JUNK, trouble=error.trouble)


def _single(path: Path, budget: Budget) -> Iterator[Found]:
    budget.count_entry()
    if path.is_file():
        yield files.file_at(path, path.name)
    else:
        yield Found(names.shown(path.name), 0, Kind.JUNK, trouble=Trouble.SPECIAL)


def contents(found: Found, budget: Budget, *, scratch: Path | None = None) -> Iterator[Found]:
    """A file and, when it is a zip, what it holds. Raises ``MediaError`` when the budget is spent."""
    if found.kind is not Kind.ARCHIVE or found.trouble is not None:
        yield found
        return
    try:
        entries = archive.walk_zip(found.open(), budget, archive=found, scratch=scratch)
        first = next(entries, None)
    except MediaError as error:
        yield Found(found.path, found.length, Kind.ARCHIVE, trouble=error.trouble)
        return
    yield found
    if first is not None:
        yield first
        yield from entries
