"""What a visit has sent, as its sender may know it: what arrived, what was refused and why, and where it stands.

Nothing of the archive shows: whether an image was there already, or whose it turned out to be, is the department's to know.
"""

from dataclasses import dataclass
from typing import Final

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from imaging.ingest.imports import wording
from imaging.ingest.models import Import, ImportedFile
from imaging.ingest.uploads import selectors
from imaging.ingest.uploads.bringers import Outsider

_MOST_NAMES: Final = 50
_MOST_DELIVERIES: Final = 20
_S = Import.State
_WORDS: Final[dict[str, tuple[str | Promise, str]]] = {
    _S.EXAMINING: (_("It is being read. Load the page again in a minute."), "acquiring"),
    _S.WAITING: (_("It has arrived, and waits for a person of the department."), "preliminary"),
    _S.REGISTERING: (_("The department is taking it in."), "acquiring"),
    _S.DONE: (_("The department has dealt with it."), "final"),
    _S.CANCELLED: (_("It was cancelled, or the department did not take it. Nothing of it is kept."), "archived"),
    _S.EXPIRED: (
        _("It was not dealt with in time, and nothing of it is kept. Send it again if it is needed."),
        "archived",
    ),
    _S.FAILED: (_("It could not be used, and nothing of it is kept."), "rejected"),
}


@dataclass(frozen=True, slots=True)
class Left:
    """A file that is not among the images that arrived, and why, in words."""

    path: str
    words: str


@dataclass(frozen=True, slots=True)
class Sent:
    """One delivery: ``arrived`` counts its images, ``left`` the first files that are none of them, of ``left_count``."""

    delivery: Import
    words: str
    shape: str
    problem: str
    arrived: int
    left: list[Left]
    left_count: int


def sent_by(outsider: Outsider) -> list[Sent]:
    """Return what a visit has sent whole, latest first."""
    return [_sent(each) for each in selectors.recent(outsider, limit=_MOST_DELIVERIES)]


def _sent(delivery: Import) -> Sent:
    words, shape = _WORDS[delivery.state]
    images = Q(kind=ImportedFile.Kind.DICOM)
    refused = Q(state=ImportedFile.State.REFUSED)
    strays = Q(state=ImportedFile.State.SKIPPED) & ~images & ~Q(reason="media_directory")
    left = delivery.files.filter(refused | strays).order_by("path", "id")
    return Sent(
        delivery=delivery,
        words=str(words),
        shape=shape,
        problem=wording.problem(delivery.problem) if delivery.state == _S.FAILED and delivery.problem else "",
        arrived=0 if delivery.state == _S.EXAMINING else delivery.files.filter(images).exclude(refused).count(),
        left=[Left(file.path, wording.explanation(file)) for file in left[:_MOST_NAMES]],
        left_count=left.count(),
    )
