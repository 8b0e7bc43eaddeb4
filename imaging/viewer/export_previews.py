"""The pictures of an export's page: of each series the large one that stands for it, as a JPEG that everything opens."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import PIL.Image

from accounts.scope import Scope
from imaging.rendering import selectors as rendering
from imaging.rendering.models import Rendition
from imaging.storage import services as storage
from imaging.storage.models import StoredObject
from imaging.studies.export import extras
from imaging.studies.export.directory import Folder
from imaging.studies.export.extras import Extra

#: Pictures in one export: they are held while it goes out, and made before its first byte.
MOST: Final = 60
_TOP: Final = "PREVIEWS"
_QUALITY: Final = 82


@dataclass(frozen=True, slots=True)
class Preview:
    """A picture with its size in pixels."""

    file: Extra
    width: int
    height: int


def of(folders: Iterable[Folder], *, scope: Scope) -> dict[int, Preview]:
    """The previews of these series that are ready and that ``scope`` may see, by primary key of the series."""
    made: dict[int, dict[int, Rendition]] = {}
    found: dict[int, Preview] = {}
    for folder in folders:
        if len(found) == MOST:
            break
        series = folder.part.series
        if series.study_id not in made:
            made[series.study_id] = dict(rendering.previews_by_series(series.study, scope=scope))
        rendition = made[series.study_id].get(series.pk)
        preview = _preview(folder, rendition.stored_object, scope) if rendition else None
        if preview is not None:
            found[series.pk] = preview
    return found


def _preview(folder: Folder, picture: StoredObject | None, scope: Scope) -> Preview | None:
    """The picture as a file; None for one that may not be shown or cannot be read: the images go out without it."""
    if picture is None or not rendering.may_be_shown(picture, scope=scope):
        return None
    try:
        content = storage.read(picture)
    except (storage.ObjectDamaged, storage.ObjectMissing, storage.StorageAway):
        return None
    with PIL.Image.open(io.BytesIO(content), formats=["WEBP"]) as opened:
        image = opened.convert("RGB")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY)
    return Preview(extras.given("/".join((_TOP, *folder.names)) + ".JPG", out.getvalue()), image.width, image.height)
