"""What may be shared and how: pure rules over what a person wishes and what the department allows."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from imaging.sharing.models import SharePolicy
from imaging.sharing.models.choices import Factor, Recipient

#: Recipients that are always asked for a second proof where the department asks for one at all: all are outside.
_NEEDS_ADDRESS: Final = {Factor.EMAIL: "email", Factor.SMS: "phone"}


NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


class What(StrEnum):
    """How much of a study is shared."""

    STUDY = "study"
    SERIES = "series"
    KEY_IMAGES = "key_images"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wishes to share. ``studies`` are UIDs, the first the one in hand; ``priors`` earlier ones beside it."""

    studies: tuple[str, ...]
    what: What = What.STUDY
    series: frozenset[str] = frozenset()
    priors: frozenset[str] = frozenset()
    recipient: Recipient = Recipient.COLLEAGUE
    name: str = ""
    email: str = ""
    phone: str = ""
    language: str = "en"
    purpose: str = "care"
    purpose_words: str = ""
    note: str = ""
    may_download: bool = False
    may_upload: bool = False
    with_report: bool = False
    is_deidentified: bool = False
    factor: Factor = Factor.EMAIL
    valid_from: dt.datetime | None = None
    valid_until: dt.datetime | None = None
    most_opens: int = 0
    sends: bool = True

    @property
    def end(self) -> dt.datetime:
        """When it ends. Raises :class:`ValueError` where that was not said, which ``problems`` finds first."""
        if self.valid_until is None:
            raise ValueError("a share ends")
        return self.valid_until


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a wish is not granted: the field it is about ("" for all), and a word that has a sentence (``words.py``)."""

    field: str
    why: str
    told: Mapping[str, object] = dataclasses.field(default_factory=lambda: NOTHING)


def problems(wish: Wish, rules: SharePolicy, *, roles: frozenset[str], now: dt.datetime) -> list[Problem]:
    """Return everything that the department's rules have against a wish, all at once."""
    found = [Problem("", "not_allowed")] if not rules.is_allowed else []
    if not roles & set(rules.roles):
        found.append(Problem("", "not_your_role"))
    if wish.recipient in rules.refused_recipients:
        found.append(Problem("recipient", "not_with_them"))
    found += [*_about_rights(wish, rules), *_about_time(wish, rules, now), *_about_proof(wish, rules)]
    return found


def _about_rights(wish: Wish, rules: SharePolicy) -> list[Problem]:
    found = []
    if wish.may_download and not rules.may_download:
        found.append(Problem("may_download", "no_download"))
    if wish.may_upload and not rules.may_upload:
        found.append(Problem("may_upload", "no_upload"))
    if wish.is_deidentified and wish.with_report:
        found.append(Problem("with_report", "report_names_patient"))
    if wish.is_deidentified and wish.recipient == Recipient.PATIENT:
        found.append(Problem("is_deidentified", "patient_without_identity"))
    return found


def _about_time(wish: Wish, rules: SharePolicy, now: dt.datetime) -> list[Problem]:
    found = []
    begin, end = wish.valid_from or now, wish.valid_until
    if end is None or end <= now or end <= begin:
        found.append(Problem("valid_until", "ends_before"))
    elif end > begin + dt.timedelta(days=rules.most_days, hours=24):
        found.append(Problem("valid_until", "too_long", {"days": rules.most_days}))
    if not 1 <= wish.most_opens <= rules.most_opens:
        found.append(Problem("most_opens", "too_many_opens", {"most": rules.most_opens}))
    return found


def _about_proof(wish: Wish, rules: SharePolicy) -> list[Problem]:
    found = []
    if wish.factor == Factor.NONE:
        if rules.factor_required:
            found.append(Problem("factor", "proof_needed"))
    elif wish.factor not in rules.factors:
        found.append(Problem("factor", "not_that_proof"))
    needed = _NEEDS_ADDRESS.get(wish.factor)
    if needed and not getattr(wish, needed):
        found.append(Problem(needed, f"{needed}_needed"))
    if wish.sends and not wish.email and not wish.phone:
        found.append(Problem("email", "nowhere_to_send"))
    if wish.factor == Factor.BIRTH_DATE and wish.is_deidentified:
        found.append(Problem("factor", "birth_date_is_identity"))
    return found


def needs_approval(wish: Wish, rules: SharePolicy) -> bool:
    """Whether a second person must allow it first."""
    needed = rules.approval
    return (
        needed == SharePolicy.Approval.ALL
        or (needed == SharePolicy.Approval.DOWNLOADS and wish.may_download)
        or (needed == SharePolicy.Approval.UNNAMED and wish.recipient == Recipient.ANYONE)
    )
