"""Whether an import takes more files: whose it is, whether it is open, what the person's share and the disk have left."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from imaging.ingest.models import Import
from imaging.ingest.uploads import bringers, refusals, selectors, staging
from imaging.ingest.uploads.bringers import Bringer

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Share:
    """What may still be sent: bytes and files, over all unfinished imports; ``longest`` is that of one file in bytes."""

    byte_count: int
    file_count: int
    longest: int

    def take(self, length: int) -> None:
        """Use some for a file of so many bytes. Raises ``TooLarge`` or ``ShareUsed``; then nothing was used."""
        if length > self.longest:
            raise refusals.TooLarge
        if length > self.byte_count or self.file_count < 1:
            raise refusals.ShareUsed
        self.byte_count -= length
        self.file_count -= 1


def share_of(user: Bringer, delivery_id: UUID) -> Share:
    """What somebody may still send to an import that takes files now. Raises ``NotFound``, ``Closed`` or ``NotAllowed``."""
    held = selectors.open_imports(user)
    delivery = next((each for each in held if each.pk == delivery_id), None)
    if delivery is None:
        raise refusals.Closed if selectors.delivery_of(user, delivery_id) else refusals.NotFound
    if delivery.state != Import.State.RECEIVING or delivery.expires_at <= timezone.now():
        raise refusals.Closed
    bringers.check(user, delivery.department_id)
    return Share(*selectors.left_of(user, held), longest=bringers.most_of(user)[0])


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
