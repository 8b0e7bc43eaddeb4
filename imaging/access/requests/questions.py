"""What somebody typed of a patient: read into a question, and carried from page to page under a seal. Pure."""

import datetime as dt
import re
import uuid
from typing import Any, Final

from django.core import signing

from imaging.access.matching import Asked
from imaging.dicom import uids

#: How long an answer may be followed by a request.
SEAL_LIFE: Final = 1800
_SALT: Final = "imaging.access.requests"
_LONGEST: Final = {"study_instance_uid": 64, "patient_id": 64, "issuer": 64, "accession_number": 64, "name": 128}
_DATES: Final = (
    (re.compile(r"(?<!\S)(\d{4})-(\d{1,2})-(\d{1,2})(?!\S)"), ("y", "m", "d")),
    (re.compile(r"(?<!\S)(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?!\S)"), ("d", "m", "y")),
    (re.compile(r"(?<!\S)((?:19|20)\d{2})(\d{2})(\d{2})(?!\S)"), ("y", "m", "d")),
)


def read(text: str) -> Asked | None:
    """A search text as a question that names one patient: a whole UID, or a birth date with a patient ID or a full name.

    None for everything else, which is most of what people search for.
    """
    text = " ".join(text.split())[:128]
    if uids.is_valid_uid(text) and text.count(".") >= 4:
        return Asked(study_instance_uid=text)
    born, rest = _birth_date(text)
    if born is None or not rest:
        return None
    if " " not in rest and any(char.isdigit() for char in rest):
        return Asked(patient_id=rest, birth_date=born)
    if " " in rest and not any(char.isdigit() for char in rest):
        return Asked(name=rest, birth_date=born)
    return None


def _birth_date(text: str) -> tuple[dt.date | None, str]:
    """The one date in a text, and the text without it."""
    for pattern, order in _DATES:
        found = pattern.findall(text)
        if len(found) != 1:
            continue
        parts = dict(zip(order, (int(part) for part in found[0]), strict=True))
        try:
            born = dt.date(parts["y"], parts["m"], parts["d"])
        except ValueError:
            continue
        return born, " ".join(pattern.sub(" ", text).split())
    return None, text


def guessed(text: str) -> dict[str, str]:
    """Where a search text that is no question belongs in the form, to begin with."""
    if uids.is_valid_uid(text) and text.count(".") >= 4:
        return {"study_instance_uid": text}
    return {"patient_id" if any(char.isdigit() for char in text) else "name": text}


def told(asked: Asked) -> dict[str, str]:
    """A question as plain text by identifier: what is kept with the request, and shown to who typed it."""
    given = {name: getattr(asked, name)[:most] for name, most in _LONGEST.items() if getattr(asked, name)}
    return given | ({"birth_date": asked.birth_date.isoformat()} if asked.birth_date else {})


def asked_of(given: dict[str, Any]) -> Asked:
    """The question that ``told`` wrote."""
    born = dt.date.fromisoformat(str(given["birth_date"])) if given.get("birth_date") else None
    return Asked(**{name: str(given.get(name, ""))[:most] for name, most in _LONGEST.items()}, birth_date=born)


def sealed(asked: Asked, *, person: int) -> str:
    """A question that was answered, to go on with: only this person can, for a while. It holds what was typed, no answer."""
    content = {"person": person, "asked": told(asked), "token": uuid.uuid4().hex}
    return signing.dumps(content, salt=_SALT, compress=True)


def opened(seal: str, *, person: int) -> tuple[Asked, uuid.UUID] | None:
    """The question under a seal, and the token that makes asking twice asking once; None for what is not this person's."""
    try:
        content = signing.loads(seal[:4096], salt=_SALT, max_age=SEAL_LIFE)
    except signing.BadSignature:
        return None
    if content["person"] != person:
        return None
    return asked_of(content["asked"]), uuid.UUID(content["token"])
