"""Registers at once what a person or a machine waits for: the truth about each object, in the order given (DESIGN 4.2).

C-STORE says success for durable bytes and leaves the rest to the registrar. Whoever can be told more (STOW-RS, upload,
import, wrapping) holds objects by ``services.hold`` and asks here what became of them.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django import db

from imaging.dicom.header import Header
from imaging.ingest import services
from imaging.ingest.registrar import BATCH, Registrar, Settled
from imaging.ingest.services import Held
from imaging.storage import services as storage
from imaging.studies.rows.incoming import State

logger = logging.getLogger(__name__)

#: Nothing is wrong with the objects: they stay in the spool, and the registrar goes on with them.
_Away: Final = (db.Error, storage.StorageError, OSError)


class Outcome(StrEnum):
    """What became of one object. Each of them means that its bytes are kept."""

    #: In the archive as a new instance.
    NEW = "new"
    #: The same data set was there already: nothing was changed.
    DUPLICATE = "duplicate"
    #: The instance was known with other bytes: kept as a second version, for a person to choose.
    CONFLICT = "conflict"
    #: Kept beside the archive until a person decides.
    QUARANTINED = "quarantined"
    #: Kept in the spool: the registrar takes it in as soon as database and disk are there.
    WAITING = "waiting"


_OUTCOMES: Final = {
    State.NEW: Outcome.NEW,
    State.DUPLICATE: Outcome.DUPLICATE,
    State.CONFLICT: Outcome.CONFLICT,
}


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one held object; ``reason`` is a quarantine reason's code and, as ``detail``, no patient data.

    Machines, and anybody but those who decide, are never told ``reason``: it may tell that a study exists.
    """

    outcome: Outcome
    header: Header
    reason: str = ""
    detail: str = ""

    @property
    def is_in_archive(self) -> bool:
        """Whether the archive holds it now as what it is."""
        return self.outcome in {Outcome.NEW, Outcome.DUPLICATE, Outcome.CONFLICT}


def register(held: Sequence[Held]) -> list[Result]:
    """Register held objects, in transactions of at most ``registrar.BATCH`` objects of one source; their results in order.

    Never raises for what is wrong with an object, nor when database or disk are away: then objects are ``WAITING``.
    Every claim is given back, whatever happens.
    """
    settled: dict[str, Settled] = {}
    registrar = Registrar(services.spool(), tell=lambda done: settled.update({done.entry.name: done}))
    try:
        for start in range(0, len(held), BATCH):
            registrar.take_claimed([item.claim for item in held[start : start + BATCH]])
    except _Away as error:
        # The class only: texts of database errors may quote rows.
        logger.warning("Objects wait in the spool: %s.", type(error).__name__)
    finally:
        for item in held:
            item.claim.give_back()
    return [_result(item, settled.get(item.claim.entry.name)) for item in held]


def _result(item: Held, settled: Settled | None) -> Result:
    if settled is None:
        return Result(Outcome.WAITING, item.header)
    if settled.state is None:
        return Result(Outcome.QUARANTINED, item.header, settled.reason, settled.detail)
    return Result(_OUTCOMES[settled.state], item.header, "", settled.detail)
