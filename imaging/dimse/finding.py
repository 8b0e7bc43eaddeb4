"""C-FIND, Study Root (PS3.4 section C.6.2): what a peer asks is searched as every door searches, and answered match by match.

A query has a thread of its own already, the association's; here it gets one of few connections to the database for as long
as it reads a batch, and none while its peer takes the answers, so that slow peers keep nobody waiting.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from django import db
from django.conf import settings
from django.utils import timezone

from accounts import selectors
from accounts.actor import Actor
from accounts.roles import Right
from accounts.scope import Scope, scope_of_departments
from imaging.dicom import matching
from imaging.dicom.matching import OneOf
from imaging.dimse import identifier, status
from imaging.dimse.identifier import Identifier
from imaging.dimse.status import Status
from imaging.dimse.turns import Busy, Turns
from imaging.studies.finding import search as studies
from imaging.studies.finding.matching import STUDY_DATE, STUDY_TIME
from imaging.studies.finding.search import Found, Level, Search
from imaging.studies.finding.time_limit import SearchTooBroad

logger = logging.getLogger(__name__)

STUDY_ROOT_FIND: Final = "1.2.840.10008.5.1.4.1.2.2.1"

#: Matches of one query, and of one reading of the database.
MOST_MATCHES: Final = 10_000
_BATCH: Final = 200

_LEVELS: Final = {"STUDY": Level.STUDY, "SERIES": Level.SERIES, "IMAGE": Level.INSTANCE}
_STUDY_UID, _SERIES_UID = 0x0020000D, 0x0020000E
#: What must be named above a level, where queries are not relational (PS3.4 section C.4.1.2.1).
_ABOVE: Final = {"STUDY": (), "SERIES": (_STUDY_UID,), "IMAGE": (_STUDY_UID, _SERIES_UID)}

Answer = tuple[Status, bytes | None]


@dataclass(frozen=True, slots=True)
class Agreed:
    """What was negotiated beyond the SOP class (PS3.4 section C.5.1.1): each may be asked for, and is then given."""

    is_relational: bool = False
    is_combined: bool = False
    is_fuzzy: bool = False


@dataclass(frozen=True, slots=True)
class Asker:
    """The peer as one that asks: whether it may, and for which departments."""

    actor: Actor
    department_ids: tuple[int, ...] = ()
    may_query: bool = False
    #: Whether it may ask for the worklist of its departments' rooms, and report the exams that it makes there.
    may_ask_worklist: bool = False

    def scope(self) -> Scope:
        """What it may find now."""
        return scope_of_departments(
            principal=self.actor,
            departments=self.department_ids if self.may_query else (),
            rights={Right.LIST, Right.VIEW},
            reason="application entity",
        )


class Finder:
    """The query service of one process."""

    def __init__(self, *, ae_title: str, turns: Turns | None = None) -> None:
        """``ae_title`` is where what is found can be had; ``turns`` are shared with the other services of the process."""
        self._ae_title = ae_title
        self._turns = turns or Turns()

    def answers(
        self,
        encoded: bytes,
        *,
        transfer_syntax_uid: str,
        asker: Asker,
        agreed: Agreed,
        is_cancelled: Callable[[], bool],
    ) -> Iterator[Answer]:
        """Every answer to one request: a pending status with each match, then the final one. Never raises."""
        if not asker.may_query:
            yield status.MAY_NOT_QUERY, None
            return
        started = time.monotonic()
        sent, final = 0, status.SUCCESS
        try:
            asked = identifier.read(encoded, transfer_syntax_uid, fuzzy=agreed.is_fuzzy)
            failure = _objection(asked, agreed)
            if failure is not None:
                yield failure, None
                return
            for state, match in self._matches(asked, asker, agreed, transfer_syntax_uid):
                if is_cancelled():
                    final = status.CANCELLED
                    break
                if match is None:
                    final = state
                    break
                yield state, match
                sent += 1
        except identifier.NotUnderstood as error:
            final = status.of_identifier(str(error))
        logger.info(
            "C-FIND from %s: %d matches in %.2f s, %04X.",
            asker.actor.name,
            sent,
            time.monotonic() - started,
            final.code,
        )
        yield final, None

    def _matches(self, asked: Identifier, asker: Asker, agreed: Agreed, syntax: str) -> Iterator[Answer]:
        """Pending answers; an answer without a match says why there are no more."""
        more = False
        for found in self._found(asked, asker, agreed):
            if isinstance(found, Status):
                yield found, None
                return
            state = status.PENDING_PARTLY if found.not_matched or found.is_abridged else status.PENDING
            for row in found.rows:
                yield (
                    state,
                    identifier.written(
                        row, asked, level=asked.level, ae_title=self._ae_title, transfer_syntax_uid=syntax
                    ),
                )
            more = found.more
        if more:
            yield status.too_many_matches(MOST_MATCHES), None

    def _found(self, asked: Identifier, asker: Asker, agreed: Agreed) -> Iterator[Found | Status]:
        """Batches of matches, each read in its turn; a status when there will be no more of them."""
        batches: Iterator[Found] | None = None
        try:
            while True:
                with self._turns.turn():
                    scope = asker.scope()
                    with timezone.override(zone_of(scope.departments_with(Right.LIST))):
                        batches = batches or studies.batches(
                            scope, _search(asked, agreed), actor=asker.actor, size=_BATCH
                        )
                        found = next(batches, None)
                if found is None:
                    return
                yield found
        except Busy:
            yield status.QUERIES_BUSY
        except SearchTooBroad:
            yield status.QUERY_TOO_BROAD
        except db.Error as error:
            # The class only: texts of database errors may quote rows.
            logger.warning("C-FIND cannot reach the database (%s).", type(error).__name__)
            yield status.QUERY_NOT_ANSWERED
        except Exception:
            logger.exception("C-FIND failed in a way that nobody foresaw.")
            yield status.QUERY_FAILED


def _objection(asked: Identifier, agreed: Agreed) -> Status | None:
    """Why the identifier is none of this model, or None."""
    if asked.level not in _LEVELS:
        return status.not_of_model("Query/Retrieve Level is none of STUDY, SERIES, IMAGE")
    if agreed.is_relational:
        return None
    named = {key.tag for key in asked.keys if isinstance(key.match, OneOf) and len(key.match.values) == 1}
    for tag in _ABOVE[asked.level]:
        if tag not in named:
            return status.not_of_model(f"{matching.name_of(tag)} must be one UID, or negotiate")
    return None


def _search(asked: Identifier, agreed: Agreed) -> Search:
    keys = matching.combined(asked.keys, STUDY_DATE, STUDY_TIME) if agreed.is_combined else asked.keys
    return Search(
        level=_LEVELS[asked.level],
        keys=keys,
        includes=asked.returned,
        limit=MOST_MATCHES,
    )


def zone_of(department_ids: Iterable[int]) -> ZoneInfo:
    """The time zone in which the peer's days begin: of its departments' site, otherwise the portal's."""
    return ZoneInfo(selectors.time_zone_of_departments(department_ids) or settings.TIME_ZONE)
