"""The modality worklist (PS3.4 annex K): what a station asks is looked up among the booked steps, and answered one by one."""

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta, timezone, tzinfo
from typing import Any, Final

from django import db
from django.utils import timezone as zones

from imaging.dicom import charset
from imaging.dicom.element_writer import TEXT_VRS
from imaging.dimse import identifier, status
from imaging.dimse.finding import Answer, Asker, zone_of
from imaging.dimse.identifier import Identifier, Record, Terms
from imaging.dimse.status import Status
from imaging.dimse.turns import Busy, Turns
from imaging.orders.performing import worklist
from imaging.orders.performing.stations import Station
from imaging.orders.performing.worklist import Page
from imaging.studies.finding.time_limit import SearchTooBroad

logger = logging.getLogger(__name__)

MODALITY_WORKLIST: Final = "1.2.840.10008.5.1.4.31"
#: A machine shows the first patients while the rest are on their way.
_FIRST, _BATCH = 25, 200
_OFFSET: Final = re.compile(r"([+-])(0\d|1[0-4])([0-5]\d)")
_LATIN: Final = ("ISO_IR 100",)

Element = Mapping[str, Any]


class Worklist:
    """The worklist service of one process."""

    def __init__(self, *, turns: Turns | None = None) -> None:
        """``turns`` are shared with the other services of the process."""
        self._turns = turns or Turns()

    def answers(
        self,
        encoded: bytes,
        *,
        transfer_syntax_uid: str,
        asker: Asker,
        is_cancelled: Callable[[], bool],
    ) -> Iterator[Answer]:
        """Every answer to one request: a pending status with each item, then the final one. Never raises."""
        if not asker.may_ask_worklist:
            yield status.MAY_NOT_ASK_WORKLIST, None
            return
        started = time.monotonic()
        sent, final = 0, status.SUCCESS
        try:
            asked = identifier.read(encoded, transfer_syntax_uid)
            for state, item in self._items(asked, asker, transfer_syntax_uid):
                if is_cancelled():
                    final = status.CANCELLED
                    break
                if item is None:
                    final = state
                    break
                yield state, item
                sent += 1
        except identifier.NotUnderstood as error:
            final = status.of_identifier(str(error))
        logger.info(
            "Worklist for %s: %d items in %.2f s, %04X.", asker.actor.name, sent, time.monotonic() - started, final.code
        )
        yield final, None

    def _items(self, asked: Identifier, asker: Asker, syntax: str) -> Iterator[Answer]:
        """Pending answers; an answer without an item says why there are no more."""
        more = False
        terms = _terms(asked.character_set)
        for page in self._pages(asked, asker):
            if isinstance(page, Status):
                yield page, None
                return
            state = status.PENDING_PARTLY if page.not_matched else status.PENDING
            for item in page.items:
                yield state, written(item, asked.form, terms, transfer_syntax_uid=syntax)
            more = page.more
        if more:
            yield status.too_many_matches(worklist.MOST_STEPS), None

    def _pages(self, asked: Identifier, asker: Asker) -> Iterator[Page | Status]:
        """Items in lots, each read in its turn; a status when there will be no more of them."""
        pages: Iterator[Page] | None = None
        zone: tzinfo | None = None
        try:
            while True:
                with self._turns.turn(), zones.override(zone := zone or _zone(asked, asker)):
                    pages = pages or worklist.pages(
                        Station(str(asker.actor.id), asker.department_ids),
                        asked.keys,
                        actor=asker.actor,
                        first=_FIRST,
                        size=_BATCH,
                    )
                    page = next(pages, None)
                if page is None:
                    return
                yield page
        except Busy:
            yield status.QUERIES_BUSY
        except SearchTooBroad:
            yield status.QUERY_TOO_BROAD
        except db.Error as error:
            # The class only: texts of database errors may quote rows.
            logger.warning("The worklist cannot reach the database (%s).", type(error).__name__)
            yield status.QUERY_NOT_ANSWERED
        except Exception:
            logger.exception("The worklist failed in a way that nobody foresaw.")
            yield status.QUERY_FAILED


def _zone(asked: Identifier, asker: Asker) -> tzinfo:
    """In which dates and times are understood and told: that of the key Timezone Offset From UTC, otherwise of the site."""
    found = _OFFSET.fullmatch(asked.offset)
    if found is None:
        return zone_of(asker.department_ids)
    sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if sign == "-" else offset)


def _terms(asked: Terms) -> Terms:
    """The character sets that were asked for, as far as they exist: others count as not asked for."""
    return asked if any(charset.encodings(asked)) else ()


def written(item: Record, form: Mapping[str, Element], asked: Terms, *, transfer_syntax_uid: str) -> bytes:
    """An item as the station asked for it, in the character set that it asked for.

    Without one it is told in the default set, or in Latin 1 where that does not do. A letter that the set lacks loses its
    accent or becomes a question mark: a station that shows another letter for it would be worse.
    """
    record = _shaped(item, form)
    texts = identifier.texts_of(record.values())
    terms = asked or (() if all(text.isascii() for text in texts) else _LATIN)
    codecs = charset.encodings(terms)
    return identifier.encoded(
        {tag: _held(element, codecs) for tag, element in record.items()}, terms, codecs, transfer_syntax_uid
    )


def _shaped(item: Mapping[str, Element], form: Mapping[str, Element]) -> Record:
    """Of an item what the form asks for, in its sequences too; what is not known is there and empty (type 2)."""
    shaped: Record = {}
    for tag, asked in form.items():
        number = int(tag, 16)
        if number & 0x10000 or not number & 0xFFFF or number == identifier.CHARACTER_SET:
            continue
        element = dict(item.get(tag) or {"vr": asked.get("vr", "UN")})
        inner = next((one for one in asked.get("Value") or [] if one), None) if asked.get("vr") == "SQ" else None
        if inner and element.get("Value"):
            element["Value"] = [_shaped(one, inner) for one in element["Value"]]
        shaped[tag] = element
    return shaped


def _held(element: Element, codecs: charset.Encodings) -> Element:
    """An element whose texts the character set holds."""
    values = element.get("Value")
    if not values:
        return element
    kind = element.get("vr")
    if kind == "SQ":
        return {**element, "Value": [{tag: _held(one, codecs) for tag, one in item.items()} for item in values]}
    if kind == "PN":
        return {**element, "Value": [_held_name(value, codecs) for value in values]}
    if kind in TEXT_VRS:
        return {**element, "Value": [charset.reduced(str(value), codecs) for value in values]}
    return element


def _held_name(name: Mapping[str, str], codecs: charset.Encodings) -> Mapping[str, str]:
    """A person name without the writings that the set cannot show at all, as long as one remains."""
    held = {group: charset.reduced(text, codecs) for group, text in name.items()}
    kept = {group: text for group, text in held.items() if any(char.isalnum() for char in text)}
    return kept or held
