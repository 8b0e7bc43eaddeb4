"""What a notification is about, for the reader of the page: told by the feature, with the reader's own scope.

The words of a notification name nobody. A feature that knows more about its subjects registers a function here; it is
called once a page for all subjects of its type, and leaves out those that the scope does not show.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from accounts.scope import Scope

Describe = Callable[[Scope, Sequence[str]], Mapping[str, str]]

_REGISTRY: Final[dict[str, Describe]] = {}


def register(subject_type: str, describe: Describe) -> None:
    """Add how subjects of a type are described; registering it again replaces it."""
    _REGISTRY[subject_type] = describe


def described(scope: Scope, subjects: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return what this reader may know of each subject, by type and UID; unknown and unseen ones are left out."""
    by_type: dict[str, list[str]] = {}
    for subject_type, subject_uid in dict.fromkeys(subjects):
        if subject_type in _REGISTRY:
            by_type.setdefault(subject_type, []).append(subject_uid)
    return {
        (subject_type, uid): text
        for subject_type, uids in by_type.items()
        for uid, text in _REGISTRY[subject_type](scope, uids).items()
    }


def uuids(uids: Iterable[str]) -> list[UUID]:
    """Return those that are UUIDs: what is none is no key of a row."""
    found = []
    for uid in uids:
        try:
            found.append(UUID(uid))
        except ValueError:
            continue
    return found
