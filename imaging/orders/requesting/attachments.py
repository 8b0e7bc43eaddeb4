"""Letters and paper requests beside a request: their kind is told by their bytes, never by their name."""

import re
import uuid
from typing import BinaryIO, Final

from django.db import transaction
from django.utils import timezone

from imaging.orders import transitions
from imaging.orders.models import ExamRequest, RequestAttachment
from imaging.orders.requesting.policies import Asker
from imaging.orders.workflow import ENDED, State
from imaging.storage import services as storage
from imaging.storage.models import StoredObject

MOST_BYTES: Final = 20 * 1024 * 1024
#: Files beside one request.
MOST_FILES: Final = 20
_KINDS: Final = (
    (b"%PDF-", "application/pdf", "pdf"),
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (b"II*\x00", "image/tiff", "tif"),
    (b"MM\x00*", "image/tiff", "tif"),
)
_HIDDEN: Final = re.compile(r"[\x00-\x1f\x7f<>:\"/\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class NotKept(Exception):
    """The file cannot lie beside the request; ``code`` is `kind`, `many`, `large` or `ended`."""

    def __init__(self, code: str) -> None:
        """Keep why."""
        super().__init__(code)
        self.code = code


def attach(person: Asker, key: uuid.UUID, file: BinaryIO, *, name: str) -> RequestAttachment:
    """Keep a file beside a request. The bytes are durable before anything speaks of them. Raises ``NotKept``."""
    head = file.read(16)
    file.seek(0)
    kind = next(((media, ending) for magic, media, ending in _KINDS if head.startswith(magic)), None)
    if kind is None:
        raise NotKept("kind")
    if file.seek(0, 2) > MOST_BYTES:
        raise NotKept("large")
    file.seek(0)
    content = storage.put(file, kind=StoredObject.Kind.ATTACHMENT)
    with transaction.atomic():
        request = transitions.locked(key)
        rows = RequestAttachment.objects.filter(request=request, removed_at=None)
        if request.state in ENDED:
            raise NotKept("ended")
        if (known := rows.filter(stored_object=content).first()) is not None:
            return known
        if rows.count() >= MOST_FILES:
            raise NotKept("many")
        row = RequestAttachment.objects.create(
            request=request,
            stored_object=content,
            file_name=_name(name, kind[1]),
            media_type=kind[0],
            added_by=person.user,
        )
        _told(request, "attach", person, row)
        return row


def remove(person: Asker, key: uuid.UUID, attachment: uuid.UUID) -> None:
    """Take a file away from a request; its bytes and who brought it stay on record."""
    with transaction.atomic():
        request = transitions.locked(key)
        row = RequestAttachment.objects.filter(request=request, key=attachment, removed_at=None).first()
        if row is not None:
            row.removed_at = timezone.now()
            row.save(update_fields=["removed_at"])
            _told(request, "detach", person, row)


def _told(request: ExamRequest, step: str, person: Asker, row: RequestAttachment) -> None:
    detail = {"attachment": str(row.key), "media_type": row.media_type}
    transitions.record(request, step, before=State(request.state), by=person.by, detail=detail)


def _name(name: str, ending: str) -> str:
    """A name that is safe to show and to save under, with the ending that its bytes have."""
    base = _HIDDEN.sub(" ", name.replace("\\", "/").rsplit("/", 1)[-1])
    stem = " ".join(base.rsplit(".", 1)[0].split()).strip(". ")[:150] or "document"
    return f"{stem}.{ending}"
