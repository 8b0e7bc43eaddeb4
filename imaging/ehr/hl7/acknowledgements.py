"""What a sender is answered: accepted, wrong, or to be sent again later (HL7 v2.5.1 sections 2.9 and 2.15.1, 2.15.5, 2.15.8).

Everything of the message's own header goes back as it came, in its own separators; what we say ourselves is escaped.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from imaging.ehr.hl7.message import Headline
from imaging.ehr.hl7.refusals import Refused
from imaging.ehr.hl7.writing import CHARACTERS, escaped

#: MSA-1 (table 0008): taken over · wrong, not to be sent again as it is · refused for a passing reason.
ACCEPTED: Final = "AA"
WRONG: Final = "AE"
LATER: Final = "AR"

_OF_TRANSPORT: Final = {ACCEPTED: "CA", WRONG: "CE", LATER: "CR"}
_LONGEST_ECHO: Final = 250
#: MSH-15 and MSH-16 (table 0155).
_ALWAYS, _ON_ERROR, _ON_SUCCESS = "AL", "ER", "SU"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def answers(found: Headline | None, code: str, *, own_id: str, at: datetime, why: Refused | None = None) -> list[str]:
    """The acknowledgements that the sender asks for; none when it wants none.

    Original mode asks for one; enhanced mode (MSH-15, MSH-16) for one of the transport, one of the application, or both.
    """
    if found is None:
        found = Headline("|", "^~\\&", ())
    transport, application = found[15].strip().upper(), found[16].strip().upper()
    if not transport and not application:
        return [_one(found, code, own_id, at, why)]
    wanted = []
    if _is_wanted(transport, code):
        wanted.append(_one(found, _OF_TRANSPORT[code], f"{own_id}C", at, why))
    if _is_wanted(application, code):
        wanted.append(_one(found, code, own_id, at, why))
    return wanted


def _is_wanted(condition: str, code: str) -> bool:
    return condition in {_ALWAYS, _ON_SUCCESS if code == ACCEPTED else _ON_ERROR}


def _one(found: Headline, code: str, own_id: str, at: datetime, why: Refused | None) -> str:
    separator = found.separator
    component = found.characters[:1] or "^"
    event = found.part(9, 2)
    fields = [
        "MSH",
        found.characters or "^~\\&",
        *(_echo(found, number) for number in (5, 6, 3, 4)),
        at.strftime("%Y%m%d%H%M%S%z"),
        "",
        component.join(["ACK", event, "ACK"] if event else ["ACK"]),
        own_id,
        _echo(found, 11) or "P",
        _echo(found, 12) or "2.5.1",
        *[""] * 4,
        _echo(found, 17),
        _echo(found, 18),
    ]
    said = why.text if why is not None and not _tells_errors(found) else ""
    acknowledged = ["MSA", code, _echo(found, 10), _escaped(said, found)]
    segments = [separator.join(fields).rstrip(separator), separator.join(acknowledged).rstrip(separator)]
    if why is not None and _tells_errors(found):
        number = component.join([why.code.number, why.code.title, "HL70357"])
        location = why.location.replace("^", component)
        row = ["ERR", "", location, number, "E", "", "", "", _escaped(why.text, found)]
        segments.append(separator.join(row))
    return "\r".join(segments) + "\r"


def _tells_errors(found: Headline) -> bool:
    """Whether ERR has its fields: since 2.5. An older receiver finds the sentence in MSA-3."""
    version = found.part(12).split(".")
    return len(version) < 2 or not version[1][:1].isdigit() or int(version[1][:1]) >= 5


def _echo(found: Headline, number: int) -> str:
    return _CONTROLS.sub("", found[number])[:_LONGEST_ECHO]


def _escaped(text: str, found: Headline) -> str:
    return escaped(text, found.separator, found.characters if len(found.characters) >= 4 else CHARACTERS)
