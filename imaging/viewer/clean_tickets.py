"""What a download without identity was asked for with, sealed into its address: to go on with it gives the same copies.

The server keeps nothing of it. Who has the address and not the server's key learns neither the name nor the copies' key; it
opens for the one who asked, for as long as a download may take to be gone on with.
"""

import datetime as dt
import json
import secrets
from dataclasses import dataclass
from typing import Final

from django.utils import timezone

from accounts.signing_in import sealing
from imaging.dicom.deidentification.profile import Profile
from imaging.studies.export.without_identity import Cleaning

#: Days for which a download that broke off can go on.
_DAYS: Final = 7
_SALT: Final = "download without identity"


class Refused(Exception):
    """The address is nobody's, another's, or too old."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """``number`` is the download's own, ``holder`` who asked; ``study`` and ``series`` may be empty, ``kept`` are options."""

    holder: str
    subject: str
    study: str = ""
    series: str = ""
    kept: tuple[str, ...] = ()
    on: str = ""
    number: str = ""

    @property
    def day(self) -> dt.date:
        """The day on which it was asked for."""
        return dt.date.fromisoformat(self.on)

    @property
    def cleaning(self) -> Cleaning:
        """How its copies are made: with a key that only this server can make of its number."""
        key = bytes.fromhex(sealing.digests(self.number, salt=_SALT)[0])
        return Cleaning(Profile(**dict.fromkeys(self.kept, True)), key, self.subject)

    def sealed(self) -> str:
        """The part of an address that opens it again."""
        said = [self.holder, self.subject, self.study, self.series, list(self.kept)]
        return sealing.seal(json.dumps([*said, timezone.localdate().isoformat(), secrets.token_hex(16)]))


def opened(sealed: str, *, holder: str, study: str = "") -> Ticket:
    """The ticket that was sealed for this holder and study. Raises ``Refused``."""
    try:
        asked_by, subject, study_uid, series, kept, on, number = json.loads(sealing.opened(sealed))
        ticket = Ticket(asked_by, subject, study_uid, series, tuple(kept), on, number)
        age = timezone.localdate() - ticket.day
    except (sealing.Unreadable, ValueError, TypeError) as error:
        raise Refused from error
    if ticket.holder != holder or ticket.study != study or age > dt.timedelta(days=_DAYS):
        raise Refused
    return ticket


def new_subject() -> str:
    """A name that tells nothing."""
    return f"ANON-{secrets.token_hex(3).upper()}"


def trial() -> Cleaning:
    """How copies are made to see which of them can be: nobody gets them."""
    return Cleaning(Profile(), secrets.token_bytes(32), new_subject())
