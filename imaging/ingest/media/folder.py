"""The files of a folder and of the folders in it; links are never followed, what is no file is listed and not opened."""

import os
from collections.abc import Iterator
from pathlib import Path

from imaging.ingest.media import files, names
from imaging.ingest.media.found import Found
from imaging.ingest.media.kinds import Kind
from imaging.ingest.media.limits import Budget
from imaging.ingest.media.trouble import Trouble


def walk_folder(root: Path, budget: Budget) -> Iterator[Found]:
    """Every file under ``root`` in the order of names; what cannot be listed is told and the walk goes on.

    Raises ``MediaError`` when the budget is spent.
    """
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError:
            yield Found(_shown(folder, root), 0, Kind.JUNK, trouble=Trouble.UNREADABLE)
            continue
        folders = []
        for entry in entries:
            budget.count_entry()
            path = Path(entry.path)
            found = _entry(entry, path, root)
            if found is None:
                folders.append(path)
            else:
                yield found
        waiting += reversed(folders)


def _entry(entry: "os.DirEntry[str]", path: Path, root: Path) -> Found | None:
    """What an entry is; None for a folder."""
    trouble: Trouble | None = None
    try:
        if entry.is_symlink():
            trouble = Trouble.SYMLINK
        elif entry.is_dir(follow_symlinks=False):
            return None
        elif not entry.is_file(follow_symlinks=False):
            trouble = Trouble.SPECIAL
    except OSError:
        trouble = Trouble.UNREADABLE
    if trouble is not None:
        return Found(_shown(path, root), 0, Kind.JUNK, trouble=trouble)
    return files.file_at(path, str(path.relative_to(root)))


def _shown(path: Path, root: Path) -> str:
    relative = str(path.relative_to(root))
    return names.shown(root.name if relative == "." else relative)
