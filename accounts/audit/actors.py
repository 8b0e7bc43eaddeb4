"""Who an actor of the audit is, where it is no account: told by the feature that made it, in the reader's language.

An event keeps the name that its actor had. A feature whose actors deserve more words registers a function here; it is called
once for all actors of a kind on a page, and leaves out those that it does not know.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

Describe = Callable[[Sequence[str]], Mapping[str, str]]

_REGISTRY: Final[dict[str, Describe]] = {}


def register(kind: str, describe: Describe) -> None:
    """Add how actors of a kind are described; registering it again replaces it."""
    _REGISTRY[kind] = describe


def described(actors: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return who these actors are, by kind and id; those of kinds that nobody registered, and unknown ones, are left out."""
    by_kind: dict[str, list[str]] = {}
    for kind, actor_id in dict.fromkeys(actors):
        if kind in _REGISTRY:
            by_kind.setdefault(kind, []).append(actor_id)
    return {(kind, actor_id): text for kind, ids in by_kind.items() for actor_id, text in _REGISTRY[kind](ids).items()}
