"""What the desk tells of a share, made ready for its pages: state, what it opens and why not, what happened to it."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.scope import Scope
from imaging.dicom import person_name
from imaging.sharing import scopes, tending
from imaging.sharing.desk.selectors import SOON, seen
from imaging.sharing.entrance import asking
from imaging.sharing.models import Share, ShareEvent, ShareItem
from imaging.sharing.record import services as records
from imaging.sharing.record.selectors import has_come_of_age
from imaging.studies.models import Patient

_STATE = Share.State


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a share stands, told by a word, a shape and a colour."""

    code: str
    label: str | Promise
    tag: str
    icon: str


_STANDINGS: Final = {
    entry.code: entry
    for entry in (
        Standing("waiting", gettext_lazy("waits for agreement"), "tag-warn", "clock"),
        Standing("preparing", gettext_lazy("being prepared"), "tag-active", "refresh"),
        Standing("early", gettext_lazy("opens later"), "tag-active", "calendar"),
        Standing("open", pgettext_lazy("share", "open"), "tag-ok", "check"),
        Standing("ending", gettext_lazy("ends soon"), "tag-warn", "history"),
        Standing("full", gettext_lazy("opened as often as allowed"), "tag-warn", "lock"),
        Standing("expired", pgettext_lazy("share", "ended"), "", "st-archived"),
        Standing("refused", pgettext_lazy("share", "not allowed"), "tag-critical", "x"),
        Standing("revoked", pgettext_lazy("share", "revoked"), "tag-critical", "st-rejected"),
        Standing("locked", gettext_lazy("locked after wrong codes"), "tag-critical", "shield-lock"),
    )
}


def standing_of(share: Share) -> Standing:
    """Return where a share stands at this moment."""
    now = timezone.now()
    if share.state in {_STATE.REFUSED, _STATE.REVOKED, _STATE.LOCKED}:
        return _STANDINGS[share.state]
    if now >= share.valid_until or has_come_of_age(share):
        return _STANDINGS["expired"]
    if share.state != _STATE.OPEN:
        return _STANDINGS[share.state]
    if now < share.valid_from:
        return _STANDINGS["early"]
    if share.opens >= share.most_opens:
        return _STANDINGS["full"]
    return _STANDINGS["ending" if share.valid_until - now <= SOON else "open"]


@dataclass(frozen=True, slots=True)
class Line:
    """A share in a list. ``patient`` and ``title`` are told to who may see the study now; others read ``initials`` alone."""

    share: Share
    standing: Standing
    studies: int
    title: str
    study_at: dt.datetime | None
    patient: Patient | None
    initials: str


def lines(scope: Scope, rows: Iterable[Share]) -> list[Line]:
    """Return shares for a list, each with what this reader may know of it. One query besides what the rows bring."""
    shares = list(rows)
    shown = seen(scope, {item.study_id for share in shares for item in share.items.all()})
    return [_line(share, shown) for share in shares]


def _line(share: Share, shown: frozenset[int]) -> Line:
    studies = {item.study_id: item.study for item in sorted(share.items.all(), key=lambda row: (row.is_prior, row.pk))}
    first = next((study for key, study in studies.items() if key in shown), None)
    return Line(
        share,
        standing_of(share),
        studies=len(studies),
        title=first.description if first else "",
        study_at=first.study_at if first else None,
        patient=share.patient if first else None,
        initials=initials_of(share.patient),
    )


def initials_of(patient: Patient | None) -> str:
    """Return a patient's name as only who knows it recognises it: for those who may know that there is one, and not who."""
    return person_name.masked(patient.patient_name) if patient is not None else ""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a share opens, or does not open any more: then ``why`` says so. ``is_seen`` by who reads the page."""

    item: ShareItem
    is_seen: bool
    is_live: bool
    why: str


def parts_of(share: Share, scope: Scope) -> list[Part]:
    """Return all that was shared, in the order of the list: what is open now, and why the rest is not."""
    items = list(share.items.select_related("study", "series", "instance").order_by("is_prior", "study_id", "pk"))
    live = {item.pk for item in scopes.live_items(share)}
    opposed = share.patient is not None and scopes.is_kept_back(share.patient, share.recipient)
    usable = scopes.shareable_studies(share, {item.study_id for item in items})
    shown = seen(scope, {item.study_id for item in items})
    return [
        Part(
            item,
            item.study_id in shown,
            item.pk in live,
            "" if item.pk in live else _why(item, usable, opposed=opposed),
        )
        for item in items
    ]


def _why(item: ShareItem, usable: frozenset[int], *, opposed: bool) -> str:
    if opposed:
        return _("The patient has opposed it. Nothing of this share opens until that is taken back.")
    if item.study_id not in usable:
        return _("The study was moved, protected or emptied since: your department may not share it now.")
    return _("The study was corrected since: it belongs to another patient now. Share it anew if that is right.")


def asks_for_earlier(share: Share, parts: Iterable[Part]) -> str:
    """Return the study from which to share with the recipient again, where they asked for earlier images; empty otherwise."""
    if not asking.has_asked(share):
        return ""
    return next((part.item.study.study_instance_uid for part in parts if part.is_live and not part.item.is_prior), "")


def why_ended(share: Share) -> str:
    """Return why a share ended, as it was written; where the word of a page stands for it, in words."""
    return str(_SAID.get(share.ended_because, share.ended_because))


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened, in words. ``alarm`` is what the owner should look at."""

    at: dt.datetime
    words: str
    who: str
    device: str
    address: str
    study: str
    study_uid: str
    times: int
    icon: str
    alarm: bool
    detail: str


_Kind = ShareEvent.Kind
#: Each with its icon.
_KINDS: Final[Mapping[str, tuple[str | Promise, str]]] = MappingProxyType(
    {
        _Kind.MADE: (pgettext_lazy("what happened to a share", "Shared"), "share"),
        _Kind.ALLOWED: (gettext_lazy("A second person agreed"), "check"),
        _Kind.REFUSED: (gettext_lazy("A second person refused"), "x"),
        _Kind.PREPARED: (gettext_lazy("The copies without identity were ready"), "shield-check"),
        _Kind.NOT_PREPARED: (gettext_lazy("No copy without identity could be made"), "alert-triangle"),
        _Kind.SENT: (gettext_lazy("The link was sent"), "mail"),
        _Kind.NOT_SENT: (gettext_lazy("The link could not be sent"), "alert-triangle"),
        _Kind.PRINTED: (gettext_lazy("The letter was printed"), "printer"),
        _Kind.CODE_SENT: (gettext_lazy("A code was sent"), "mail"),
        _Kind.OPENED: (gettext_lazy("The link was opened"), "link"),
        _Kind.PROVED: (gettext_lazy("The second proof was given"), "shield-check"),
        _Kind.ASKED: (gettext_lazy("The recipient asks for earlier images"), "history"),
        _Kind.LOOKED: (gettext_lazy("Images looked at"), "eye"),
        _Kind.REPORT_READ: (gettext_lazy("Report read"), "report-medical"),
        _Kind.DOWNLOADED: (gettext_lazy("Images downloaded"), "download"),
        _Kind.SENT_BACK: (gettext_lazy("Images sent back"), "upload"),
        _Kind.TOKEN_GIVEN: (gettext_lazy("A token for another archive was given"), "key"),
        _Kind.WRONG: (gettext_lazy("A wrong code or link was tried"), "alert-triangle"),
        _Kind.LOCKED: (gettext_lazy("Locked after wrong codes"), "lock"),
        _Kind.FULL: (gettext_lazy("Refused: opened as often as allowed"), "lock"),
        _Kind.CHANGED: (gettext_lazy("The limits were changed"), "settings"),
        _Kind.EXTENDED: (gettext_lazy("The limits were extended"), "clock"),
        _Kind.REVOKED: (gettext_lazy("The link was revoked"), "x"),
    }
)
_ALARMS: Final = frozenset({_Kind.WRONG, _Kind.LOCKED, _Kind.FULL, _Kind.NOT_SENT})
#: Words that events are written with, where they stand for a sentence.
_LINK_WORD: Final = "link"
_SAID: Final = {
    _LINK_WORD: gettext_lazy("A new link was made, the old one opens nothing any more"),
    records.CLOSED: gettext_lazy("Closed by who holds it"),
    records.CLOSED_BY_PATIENT: gettext_lazy("Closed by the patient"),
    records.SIGNED_OUT: gettext_lazy("All devices were signed out by who holds it"),
    tending.STOPPED_WORD: gettext_lazy("Something of it is not shown any more: the owner was told"),
    tending.ENDING_WORD: gettext_lazy("It ends soon: the owner was told"),
}


def history_of(events: Iterable[ShareEvent], shown: frozenset[int]) -> list[Told]:
    """Return what happened, for whoever may see these studies (by primary key)."""
    return [_told(event, shown) for event in events]


def _told(event: ShareEvent, shown: frozenset[int]) -> Told:
    visit, study = event.visit, event.study
    is_word = event.words in _SAID
    label, icon = _KINDS.get(event.kind, (event.get_kind_display(), "info-circle"))
    words = str(_SAID[event.words] if is_word else label)
    # What is written beside a wrong or refused try is the address from which it came.
    is_address = event.kind in {_Kind.WRONG, _Kind.FULL}
    is_seen = study is not None and study.pk in shown
    return Told(
        at=event.at,
        words=words,
        who=event.person.label if event.person else "",
        device=visit.device if visit else "",
        address=event.words if is_address else (visit.address if visit else ""),
        study=(study.description or study.study_instance_uid) if study and is_seen else "",
        study_uid=study.study_instance_uid if study and is_seen else "",
        times=event.times,
        icon=icon,
        alarm=event.kind in _ALARMS,
        detail="" if is_word or is_address else event.words,
    )
