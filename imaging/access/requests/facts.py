"""What the pages say of a request: its standing in a word and a shape, what is told of the patient, what happened."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from imaging.access.requests import care_relations, selectors
from imaging.access.requests.forms import hours_in_words
from imaging.access.requests.models import AccessPolicy, AccessRequest, RequestedStudy
from imaging.access.requests.policies import Approver

_Item = RequestedStudy.State

#: Word, tag and icon of each standing.
_STANDINGS: Final[Mapping[str, tuple[str | Promise, str, str]]] = {
    "waiting": (pgettext_lazy("access request", "waiting"), "", "clock"),
    "question": (pgettext_lazy("access request", "answer needed"), "tag-warn", "alert-triangle"),
    "open": (pgettext_lazy("access request", "granted"), "tag-ok", "check"),
    "partly": (pgettext_lazy("access request", "granted in part"), "tag-ok", "check"),
    "expired": (pgettext_lazy("access request", "expired"), "", "history"),
    "revoked": (pgettext_lazy("access request", "revoked"), "tag-critical", "x"),
    "given_back": (pgettext_lazy("access request", "given back"), "", "arrow-back-up"),
    "denied": (pgettext_lazy("access request", "denied"), "tag-critical", "x"),
    "withdrawn": (pgettext_lazy("access request", "withdrawn"), "", "arrow-back-up"),
    "unanswered": (pgettext_lazy("access request", "closed without an answer"), "tag-warn", "clock"),
}

_IDENTIFIERS: Final[Mapping[str, str | Promise]] = {
    "study_instance_uid": gettext_lazy("UID"),
    "patient_id": gettext_lazy("Patient ID"),
    "issuer": gettext_lazy("Issuer"),
    "accession_number": gettext_lazy("Accession number"),
    "name": gettext_lazy("Name"),
    "birth_date": gettext_lazy("Birth date"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How a request stands now."""

    code: str
    label: str | Promise
    tag: str
    icon: str


@dataclass(frozen=True, slots=True)
class Line:
    """A request in a list. ``until`` is the end of what is open, or of what has expired."""

    request: AccessRequest
    standing: Standing
    until: dt.datetime | None
    typed: list[tuple[str | Promise, str]]
    hours: Any
    studies: list[RequestedStudy]
    patient: Any = None

    is_open: bool = False


def line(request: AccessRequest, *, patient: Any = None) -> Line:
    """A request, with its studies fetched."""
    items = list(request.studies.all())
    open_until = _open_until(items)
    code = standing_code(request, items, open_until)
    ends = [item.grant.until for item in items if item.grant and item.grant.until]
    return Line(
        request=request,
        standing=Standing(code, *_STANDINGS[code]),
        until=open_until or (max(ends, default=None) if code == "expired" else None),
        typed=typed(request),
        hours=hours_in_words(request.hours),
        studies=items,
        patient=patient,
        is_open=open_until is not None,
    )


def standing_code(request: AccessRequest, items: list[RequestedStudy], open_until: dt.datetime | None) -> str:
    """One word for a request: what counts first for who asked."""
    if request.state == AccessRequest.State.WAITING:
        if request.awaits_requester:
            return "question"
        return "waiting" if open_until is None else "partly"
    if open_until is not None:
        return "open"
    states = {item.state for item in items if item.grant_id is not None}
    if not states:
        return {"denied": "denied", "withdrawn": "withdrawn"}.get(request.state, "unanswered")
    if _Item.REVOKED in states:
        return "revoked"
    return "given_back" if _Item.GIVEN_BACK in states else "expired"


def _open_until(items: list[RequestedStudy]) -> dt.datetime | None:
    now = timezone.now()
    ends = [
        item.grant.until
        for item in items
        if item.state == _Item.GRANTED
        and item.grant is not None
        and item.grant.ended_at is None
        and item.grant.until is not None
        and item.grant.until > now
    ]
    return max(ends, default=None)


def typed(request: AccessRequest) -> list[tuple[str | Promise, str]]:
    """What who asked typed of the patient, and so may read again."""
    given = request.asked_by if isinstance(request.asked_by, dict) else {}
    told = [(label, name, str(given[name])) for name, label in _IDENTIFIERS.items() if given.get(name)]
    return [(label, _day(text) if name == "birth_date" else text) for label, name, text in told]


def _day(text: str) -> str:
    """A day as tables write it, in the reader's language."""
    try:
        born = dt.date.fromisoformat(text)
    except ValueError:
        return text
    return formats.date_format(born, "d/m/Y" if (get_language() or "").startswith("fr") else "d M Y")


def evidence(request: AccessRequest) -> list[tuple[str, bool]]:
    """What speaks for the relation, in words, and whether it proves it."""
    found: dict[str, bool] = {}
    for item in request.studies.all():
        for entry in item.evidence if isinstance(item.evidence, list) else []:
            if words := care_relations.in_words(entry):
                found[words] = bool(entry.get("proves"))
    return list(found.items())


def deciding(request: AccessRequest) -> str:
    """The names of the departments that decide, for who asked: only of those that let it be said, and of who has decided."""
    known = selectors.policies()
    names: dict[int, str] = {}
    items = list(request.studies.select_related("department"))
    owners = selectors.owners_of(item.study_id for item in items)
    for item in items:
        owner = owners.get(item.study_id)
        policy: AccessPolicy = selectors.policy_of(owner, known)
        if policy.says_its_name and owner is not None:
            names[owner] = selectors.name_of(owner)
        elif item.department is not None and item.grant_id is not None:
            names[item.department.pk] = item.department.label
    return ", ".join(sorted(filter(None, names.values())))


def notes(request: AccessRequest, *, with_names: bool) -> list[tuple[str, str, dt.datetime | None]]:
    """Notes of decisions, once each: (what, who, when); who asked reads no name of a denial's department."""
    found = {}
    for item in request.studies.select_related("decided_by", "department").order_by("decided_at"):
        if item.note:
            who = item.decided_by.label if item.decided_by and with_names else ""
            found[item.note, who] = item.decided_at
    return [(note, who, at) for (note, who), at in found.items()]


def most_hours(by: Approver, request: AccessRequest) -> int:
    """The longest that may be given: what was asked for, within the shortest policy that is concerned."""
    return min([request.hours, *(policy.longest_hours for policy in _ruling(by, request))])


def may_download(by: Approver, request: AccessRequest) -> bool:
    """Whether a download is wanted and some policy allows it."""
    return request.wants_download and any(policy.may_give_download for policy in _ruling(by, request))


def _ruling(by: Approver, request: AccessRequest) -> list[AccessPolicy]:
    """The policy of each study that this person may decide about."""
    known = selectors.policies()
    studies = list(selectors.decidable(by).filter(request=request).values_list("study_id", flat=True))
    owners = selectors.owners_of(studies)
    return [selectors.policy_of(owners.get(study), known) for study in studies]


def refusal(code: str) -> str:
    """Why something could not be done, and what to do next."""
    words = {
        "not_yours": _("This is not for you to decide any more: the studies may have moved to another department."),
        "decided": _("Somebody else has decided meanwhile. Nothing was changed."),
        "requester_gone": _("Who asked may not ask for access any more: nothing was opened. Deny the request."),
        "opposed": _("The patient has opposed that others see these images: nothing was opened. Deny the request."),
        "ended": _("This access has ended already."),
        "nothing": _("There is nothing to ask for any more. Look again."),
        "not_your_department": _("You may not ask in the name of this department."),
    }
    return words.get(code, _("This could not be done."))
