"""Rules of collections, without a database: what a member may do, and what stands against a wish."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class NotDone(Exception):
    """Something that was not done, and why: a word that has a sentence (``words.py``), and what the sentence tells."""

    def __init__(self, why: str, **told: object) -> None:
        super().__init__(why)
        self.why = why
        self.told = told


@dataclass(frozen=True, slots=True)
class Rights:
    """What one member may do besides looking."""

    may_add: bool = False
    may_comment: bool = False
    may_download: bool = False
    manages: bool = False

    def told(self) -> dict[str, bool]:
        """As the audit keeps them, and as columns."""
        return {
            "may_add": self.may_add,
            "may_comment": self.may_comment,
            "may_download": self.may_download,
            "manages": self.manages,
        }


class _Row(Protocol):
    may_add: bool
    may_comment: bool
    may_download: bool
    manages: bool


def together(rows: Sequence[_Row]) -> Rights | None:
    """Return what somebody may do who is a member by these rows: any of them allows it. None for who is none.

    Who manages adds and comments as well. Downloading is given by itself: who arranges a board need not carry images away.
    """
    if not rows:
        return None
    manages = any(row.manages for row in rows)
    return Rights(
        may_add=manages or any(row.may_add for row in rows),
        may_comment=manages or any(row.may_comment for row in rows),
        may_download=any(row.may_download for row in rows),
        manages=manages,
    )


@dataclass(frozen=True, slots=True)
class Wish:
    """What a collection is to be called and to be for."""

    name: str
    kind: str
    department: int
    description: str = ""
    is_deidentified: bool = False
