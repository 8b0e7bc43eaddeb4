"""What readers put on images, as others may read it: which shapes there are, what a shape may hold, and whose it is."""

import math
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from django.db.models import Count, QuerySet

from accounts.roles import Right
from accounts.scope import Scope
from imaging.studies.models import Annotation, KeyImage, Study

#: Handles of each tool. A text is one handle, as is a probe.
TOOLS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "length": 2,
        "angle": 3,
        "cobb": 4,
        "ellipse": 4,
        "rectangle": 4,
        "probe": 1,
        "arrow": 2,
        "text": 1,
    }
)
#: The tools that mean nothing without words.
WITH_WORDS: Final = frozenset({"text"})
#: Numbers of a point, by the space that it lies in: patient coordinates (mm, PS3.3 C.7.6.2.1.1), or column and row of the image.
SPACES: Final[Mapping[str, int]] = MappingProxyType({"patient": 3, "image": 2})

MOST_WORDS: Final = 200
MOST_NOTE: Final = 200
#: Annotations that one reader may have on one study, and rows that may pile up there with those taken away.
MOST_OF_ONE_READER: Final = 500
MOST_ROWS_OF_ONE_READER: Final = 5_000
MOST_KEY_IMAGES: Final = 500
#: No image is larger, in pixels or in mm.
_FARTHEST: Final = 1e6
_LONGEST_UID: Final = 64


class MarkingInvalid(ValueError):
    """What was sent is no annotation or flag of ours. ``code`` says why: ``shape``, ``words``, ``frame`` or ``too_many``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def checked_shape(tool: str, shape: object) -> dict[str, Any]:
    """The shape as it is kept: known keys only, finite numbers, as many points as the tool has handles.

    Raises ``MarkingInvalid``.
    """
    handles = TOOLS.get(tool)
    if handles is None or not isinstance(shape, dict):
        raise MarkingInvalid("shape")
    space = shape.get("space")
    size = SPACES.get(space) if isinstance(space, str) else None
    points = shape.get("points")
    if size is None or not isinstance(points, list) or len(points) != handles:
        raise MarkingInvalid("shape")
    text_at = shape.get("text_at")
    words = checked_words(shape.get("text", ""), MOST_WORDS)
    if tool in WITH_WORDS and not words:
        raise MarkingInvalid("words")
    return {
        "space": space,
        "points": [_point(point, size) for point in points],
        "text_at": None if text_at is None else _point(text_at, size),
        "text": words,
        "frame_of_reference": _uid(shape.get("frame_of_reference", "")),
    }


def checked_words(words: object, most: int) -> str:
    """Words of a reader on one line, without what cannot be seen but turns or hides others. Raises ``MarkingInvalid``."""
    if not isinstance(words, str) or len(words) > 4 * most:
        raise MarkingInvalid("words")
    # Controls, surrogates and the marks that turn the direction of what follows; joiners belong to scripts and stay.
    seen = "".join(
        " " if unicodedata.category(sign) == "Cc" else sign
        for sign in words
        if unicodedata.category(sign) != "Cs" and unicodedata.bidirectional(sign) not in _TURNING
    )
    line = " ".join(seen.split())
    if len(line) > most:
        raise MarkingInvalid("words")
    return line


_TURNING: Final = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def annotations_of(study: Study, *, scope: Scope) -> QuerySet[Annotation]:
    """The annotations that are on the images of a study that the reader may view, oldest first, with author and image."""
    return (
        Annotation.objects.visible_to(scope, Right.VIEW)
        .filter(study=study, removed_at=None)
        .select_related("author", "instance__series")
        .order_by("pk")
    )


def key_images_of(study: Study, *, scope: Scope) -> QuerySet[KeyImage]:
    """The flagged frames of a study that the reader may view, in the order of their flagging."""
    return (
        KeyImage.objects.visible_to(scope, Right.VIEW)
        .filter(study=study)
        .select_related("flagged_by", "instance__series")
        .order_by("pk")
    )


def key_images_by_series(study: Study, *, scope: Scope) -> dict[int, int]:
    """How many flagged frames each series has, by primary key; series without any are left out."""
    rows = KeyImage.objects.visible_to(scope, Right.VIEW).filter(study=study).values_list("instance__series_id")
    return dict(rows.annotate(flagged=Count("pk")).order_by())


def may_tidy(study: Study, *, scope: Scope) -> bool:
    """Whether the reader may take away the flags of others: who may change the study may."""
    return Study.objects.visible_to(scope, Right.WRITE).filter(pk=study.pk).exists()


def _point(point: object, size: int) -> list[float]:
    if not isinstance(point, list) or len(point) != size:
        raise MarkingInvalid("shape")
    return [_number(value) for value in point]


def _number(value: object) -> float:
    # True and False are whole numbers to Python, and none to a reader.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MarkingInvalid("shape")
    # An integer may be longer than any float.
    if abs(value) > _FARTHEST or not math.isfinite(value):
        raise MarkingInvalid("shape")
    return round(float(value), 4)


def _uid(uid: object) -> str:
    if not isinstance(uid, str) or len(uid) > _LONGEST_UID or not set(uid) <= set("0123456789."):
        raise MarkingInvalid("shape")
    return uid
