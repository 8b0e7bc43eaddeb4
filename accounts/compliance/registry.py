"""The questions that are asked of the live configuration, and how they are answered."""

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

log = logging.getLogger(__name__)

_ID: Final = re.compile(r"[a-z]+(?:-[a-z]+)*\.[a-z]+(?:-[a-z]+)*")


class Level(TextChoices):
    """How an answer is to be taken; the order is that of the page."""

    NOT_MET = "not_met", gettext_lazy("Not met")
    ATTENTION = "attention", gettext_lazy("Needs attention")
    MET = "met", gettext_lazy("Met")
    NOT_ASKED = "not_asked", gettext_lazy("Not asked here")


class Area(TextChoices):
    """What a question is about, as the page groups them."""

    TRANSPORT = "transport", gettext_lazy("Transport and browsers")
    PEOPLE = "people", gettext_lazy("People and sign-in")
    MACHINES = "machines", gettext_lazy("Machines and other systems")
    AUDIT = "audit", gettext_lazy("Audit")
    HOST = "host", gettext_lazy("Server, secrets and database")
    DATA = "data", gettext_lazy("Images and copies")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, and what to do about it; no word of a patient, no secret. ``address`` is a page of the admin."""

    level: Level
    words: str
    remedy: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One question. ``requirements`` are lines of standards that it answers, such as ``ASVS 3.3.1`` or ``HIPAA 164.312(e)``."""

    id: str
    area: Area
    title: str | Promise
    requirements: tuple[str, ...]
    ask: Callable[[], Answer]


@dataclass(frozen=True, slots=True)
class Result:
    """A question with its answer."""

    check: Check
    answer: Answer


_checks: Final[dict[str, Check]] = {}


def check(
    identity: str, *, area: Area, title: str | Promise, requirements: Iterable[str] = ()
) -> Callable[[Callable[[], Answer]], Callable[[], Answer]]:
    """Register a question under ``identity`` (`area.what`, small letters). Raises ``ValueError`` for one that is taken."""

    def registered(ask: Callable[[], Answer]) -> Callable[[], Answer]:
        if not _ID.fullmatch(identity) or identity in _checks:
            raise ValueError(identity)
        _checks[identity] = Check(identity, area, title, tuple(requirements), ask)
        return ask

    return registered


def checks() -> list[Check]:
    """Return every question, by area and id."""
    areas = list(Area)
    return sorted(_checks.values(), key=lambda entry: (areas.index(entry.area), entry.id))


def results() -> list[Result]:
    """Ask everything. A question that fails is an answer too, and keeps no other from being asked."""
    return [Result(entry, _asked(entry)) for entry in checks()]


def _asked(entry: Check) -> Answer:
    try:
        with transaction.atomic():
            return entry.ask()
    except Exception as error:
        log.exception("The compliance check %s failed.", entry.id)
        return Answer(
            Level.NOT_MET,
            _("This could not be found out (%(error)s).") % {"error": type(error).__name__},
            _("The log of the portal says more. Ask again once it is put right."),
        )


def met(words: str, *, address: str = "") -> Answer:
    """Answer that it is as it should be."""
    return Answer(Level.MET, words, address=address)


def attention(words: str, remedy: str, *, address: str = "") -> Answer:
    """Answer that somebody should look."""
    return Answer(Level.ATTENTION, words, remedy, address)


def not_met(words: str, remedy: str, *, address: str = "") -> Answer:
    """Answer that it is wrong."""
    return Answer(Level.NOT_MET, words, remedy, address)


def not_asked(words: str) -> Answer:
    """Answer that the question has no meaning here."""
    return Answer(Level.NOT_ASKED, words)
