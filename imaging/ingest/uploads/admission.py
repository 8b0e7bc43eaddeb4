"""Whether an import takes more files: whose it is, whether it is open, what the person's share and the disk have left."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from imaging.ingest.models import Import
from imaging.ingest.uploads import refusals, selectors, staging

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Share:
    """What a person may still send: bytes and files, over all unfinished imports."""

    byte_count: int
    file_count: int

    def take(self, length: int) -> None:
        """Use some for a file of so many bytes. Raises ``TooLarge`` or ``ShareUsed``; then nothing was used."""
        if length > settings.UPLOAD_QUOTA_BYTES:
            raise refusals.TooLarge
        if length > self.byte_count or self.file_count < 1:
            raise refusals.ShareUsed
        self.byte_count -= length
        self.file_count -= 1


def share_of(user: User, delivery_id: UUID) -> Share:
    """What a person may still send to an import that takes files now. Raises ``NotFound``, ``Closed`` or ``NotAllowed``."""
    held = selectors.open_imports(user)
    delivery = next((each for each in held if each.pk == delivery_id), None)
    if delivery is None:
        raise refusals.Closed if selectors.delivery_of(user, delivery_id) else refusals.NotFound
    if delivery.state != Import.State.RECEIVING or delivery.expires_at <= timezone.now():
        raise refusals.Closed
    if not selectors.may_upload_to(user, delivery.department_id):
        raise refusals.NotAllowed
    return Share(
        settings.UPLOAD_QUOTA_BYTES - sum(each.byte_count for each in held),
        settings.UPLOAD_QUOTA_FILES - sum(each.file_count for each in held),
    )


def check_room(length: int) -> None:
    """Raise ``NoRoom`` when so many bytes would touch the disk's reserve."""
    with writing():
        staging.check_room(length)


@contextmanager
def writing() -> Iterator[None]:
    """Say as a refusal why the disk did not take what was written."""
    try:
        yield
    except staging.NoRoom as error:
        raise refusals.NoRoom from error
    except staging.Damaged as error:
        raise refusals.Damaged from error
    except staging.Absent as error:
        raise refusals.NotFound from error
    except OSError as error:
        logger.warning("an upload cannot be written (%s)", error.strerror)
        raise refusals.NoRoom from error
