"""Modality performed procedure steps (PS3.4 annex F): what a machine reports is read, checked and kept, and told how it was taken."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django import db

from imaging.dicom import uids
from imaging.dicom.errors import DicomError
from imaging.dicom.limits import KIB, MIB, Limits
from imaging.dimse import identifier, status
from imaging.dimse.finding import Asker, zone_of
from imaging.dimse.status import Status
from imaging.dimse.turns import Busy, Turns
from imaging.orders.performing import services
from imaging.orders.performing.mpps import Fault, NotAcceptable
from imaging.orders.performing.services import Duplicate, Ended, Machine, Unknown
from imaging.orders.performing.stations import Station

logger = logging.getLogger(__name__)

PERFORMED_STEP: Final = "1.2.840.10008.3.1.2.3.3"
#: A CT names ten thousand images in about a megabyte.
_LIMITS: Final = Limits(
    header_bytes=4 * MIB,
    element_bytes=64 * KIB,
    meta_bytes=KIB,
    inflated_bytes=4 * MIB,
    elements=200_000,
    items=60_000,
    depth=8,
)
_FAULTS: Final = {Fault.MISSING: 0x0120, Fault.EMPTY: 0x0121, Fault.INVALID: 0x0106}


@dataclass(frozen=True, slots=True)
class Told:
    """The answer to one report: the status, the instance that it is about, and the attributes that it concerns."""

    status: Status
    sop_instance_uid: str = ""
    error_id: int | None = None
    tags: tuple[int, ...] = ()


class PerformedSteps:
    """The service of one process that takes reports."""

    def __init__(self, *, turns: Turns | None = None) -> None:
        """``turns`` are shared with the other services of the process."""
        self._turns = turns or Turns()

    def begin(self, sop_instance_uid: str, encoded: bytes, *, transfer_syntax_uid: str, asker: Asker) -> Told:
        """Take an N-CREATE; without a UID the report is given one (PS3.7 section 10.1.5.1.4). Never raises."""
        uid = sop_instance_uid or uids.new_uid()

        def keep(record: identifier.Record) -> Told:
            services.begin(uid, record, by=_machine(asker))
            return Told(status.SUCCESS, uid)

        return self._taken(uid, encoded, transfer_syntax_uid, asker, keep)

    def change(self, sop_instance_uid: str, encoded: bytes, *, transfer_syntax_uid: str, asker: Asker) -> Told:
        """Take an N-SET. Never raises."""

        def keep(record: identifier.Record) -> Told:
            unchanged = services.change(sop_instance_uid, record, by=_machine(asker))
            if unchanged:
                return Told(status.ATTRIBUTES_LEFT, sop_instance_uid, tags=tuple(unchanged))
            return Told(status.SUCCESS, sop_instance_uid)

        return self._taken(sop_instance_uid, encoded, transfer_syntax_uid, asker, keep)

    def _taken(
        self,
        uid: str,
        encoded: bytes,
        syntax: str,
        asker: Asker,
        keep: Callable[[identifier.Record], Told],
    ) -> Told:
        told = self._answer(uid, encoded, syntax, asker, keep)
        if told.status.code != status.SUCCESS.code:
            logger.warning("Performed step from %s: %04X %s.", asker.actor.name, told.status.code, told.status.comment)
        return told

    def _answer(
        self, uid: str, encoded: bytes, syntax: str, asker: Asker, keep: Callable[[identifier.Record], Told]
    ) -> Told:
        if not asker.may_ask_worklist:
            return Told(status.MAY_NOT_REPORT, uid)
        if not uids.is_valid_uid(uid):
            return Told(status.INVALID_INSTANCE, uid)
        try:
            record, _terms = identifier.read_record(encoded, syntax, limits=_LIMITS)
            with self._turns.turn():
                return keep(record)
        except (NotAcceptable, Duplicate, Unknown, Ended) as error:
            return _refusal(error, uid)
        except (DicomError, ValueError):
            return Told(status.NOT_READABLE, uid)
        except Busy:
            return Told(status.REPORTS_BUSY, uid)
        except db.Error as error:
            # The class only: texts of database errors may quote rows.
            logger.warning("A performed step cannot reach the database (%s).", type(error).__name__)
            return Told(status.REPORTS_BUSY, uid)
        except Exception:
            logger.exception("A performed step failed in a way that nobody foresaw.")
            return Told(status.PROCESSING_FAILURE, uid)


def _refusal(error: NotAcceptable | Duplicate | Unknown | Ended, uid: str) -> Told:
    """What the rules say against a report, in the protocol's own codes."""
    if isinstance(error, NotAcceptable):
        return Told(status.of_attribute(_FAULTS[error.fault], error.words), uid, tags=(error.tag,))
    if isinstance(error, Duplicate):
        return Told(status.DUPLICATE_INSTANCE, uid)
    if isinstance(error, Unknown):
        return Told(status.NO_SUCH_INSTANCE, uid)
    return Told(status.MAY_NO_LONGER_BE_UPDATED, uid, status.NO_LONGER_UPDATED_ID)


def _machine(asker: Asker) -> Machine:
    actor = asker.actor
    return Machine(actor, Station(str(actor.id), asker.department_ids), zone_of(asker.department_ids))
