"""Who may get a link to a patient's record, and until when: pure rules."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from imaging.sharing.making.policies import Problem
from imaging.sharing.models import RecordPolicy, SharePolicy
from imaging.sharing.models.choices import Factor, Recipient
from imaging.sharing.models.records import Ground, Relation

#: Grounds that rest on the patient's being a child: they end when the patient comes of age.
ENDS_OF_AGE: Final = frozenset({Ground.PARENTAL})
_NEEDS_ADDRESS: Final = {Factor.EMAIL: "email", Factor.SMS: "phone"}


@dataclass(frozen=True, slots=True)
class RecordWish:
    """What somebody wishes to give: to whom, on which ground, and how they prove themselves. ``study`` is the UID in hand."""

    study: str
    relation: Relation
    ground: str
    ground_words: str
    identity: str
    name: str
    email: str
    phone: str
    language: str
    factor: Factor
    valid_until: dt.datetime | None
    note: str = ""
    sends: bool = True

    @property
    def is_for_proxy(self) -> bool:
        """Whether it is for somebody else than the patient."""
        return self.relation != Relation.SELF


def birthday(born: dt.date, years: int) -> dt.date:
    """Return the day on which somebody is so many years old; for 29 February the day after, where there is none."""
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return dt.date(born.year + years, 3, 1)


def problems(
    wish: RecordWish,
    rules: RecordPolicy,
    sharing: SharePolicy,
    *,
    roles: frozenset[str],
    of_age_at: dt.datetime | None,
    now: dt.datetime,
) -> list[Problem]:
    """Return everything that the department's rules have against a wish. ``of_age_at`` is when the patient comes of age."""
    found = [] if rules.is_given and sharing.is_allowed else [Problem("", "no_records")]
    if not roles & set(rules.roles):
        found.append(Problem("", "not_your_role"))
    if Recipient.PATIENT in sharing.refused_recipients:
        found.append(Problem("", "not_with_them"))
    found += [*_about_ground(wish, rules), *_about_proof(wish, rules)]
    return [*found, *_about_time(wish, rules, of_age_at, now)]


def _about_ground(wish: RecordWish, rules: RecordPolicy) -> Iterator[Problem]:
    if not wish.is_for_proxy:
        return
    if not rules.gives_proxies:
        yield Problem("relation", "no_proxies")
    if not wish.ground:
        yield Problem("ground", "ground_needed")
    if not wish.name:
        yield Problem("name", "name_needed")


def _about_proof(wish: RecordWish, rules: RecordPolicy) -> Iterator[Problem]:
    if wish.factor not in rules.factors:
        yield Problem("factor", "not_that_proof")
    needed = _NEEDS_ADDRESS.get(wish.factor)
    if needed and not getattr(wish, needed):
        yield Problem(needed, f"{needed}_needed")
    if wish.sends and not wish.email and not wish.phone:
        yield Problem("email", "nowhere_to_send")


def _about_time(
    wish: RecordWish, rules: RecordPolicy, of_age_at: dt.datetime | None, now: dt.datetime
) -> Iterator[Problem]:
    if wish.valid_until is None or wish.valid_until <= now:
        yield Problem("valid_until", "ends_before")
    elif wish.valid_until > now + dt.timedelta(days=rules.most_days, hours=24):
        yield Problem("valid_until", "too_long", {"days": rules.most_days})
    if wish.ground in ENDS_OF_AGE and of_age_at is not None and of_age_at <= now:
        yield Problem("ground", "is_of_age")


def needs_approval(rules: RecordPolicy, sharing: SharePolicy) -> bool:
    """Whether a second person must allow it first."""
    needed = sharing.approval
    return needed == SharePolicy.Approval.ALL or (needed == SharePolicy.Approval.DOWNLOADS and rules.may_download)
