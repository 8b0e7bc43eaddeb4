"""A search, from its query to its Bundle (R4 section 3.1.1): what is asked for, the page, what it includes, and the next page.

The address of the next page holds the whole search sealed: a search that was sent as a form, so that no number of a patient
stands in any address or log, stays out of them to its last page (FH-1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import orjson
from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.signing_in import sealing
from imaging.ehr.fhir.kinds import Asking, Kind, Page, Wanted
from imaging.ehr.fhir.outcomes import Refused, outcome
from imaging.ehr.fhir.parameters import Criteria, Groups, Type, divided
from imaging.ehr.fhir.registry import KINDS
from imaging.fhir.values import Resource
from imaging.studies.finding import searched
from imaging.studies.finding.time_limit import SearchTooBroad, time_limit

USUAL: Final = 50
MOST: Final = 200
#: As much of a search goes into the address of its next page.
_LONGEST: Final = 4_000
_PAGE: Final = "_page"
_COUNT: Final = "_count"
_INCLUDE: Final = "_include"
_REVERSE: Final = "_revinclude"
_SORT: Final = "_sort"
_SUMMARY: Final = "_summary"
#: How the answer looks; told by the view.
_OF_THE_FORM: Final = frozenset({"_format", "_pretty"})
_OF_THE_ANSWER: Final = frozenset({_COUNT, _INCLUDE, _REVERSE, _SORT, _SUMMARY})


@dataclass(frozen=True, slots=True)
class Question:
    """A search as it was asked: pairs of names and values, and from which place on."""

    given: tuple[tuple[str, str], ...]
    after: str = ""
    #: Names that were passed over, because the client asked for leniency.
    unknown: tuple[str, ...] = ()


def bundle(asking: Asking, kind: Kind, query: QueryDict, *, is_form: bool, is_lenient: bool) -> Resource:
    """Answer a search with a Bundle. Raises ``Refused``."""
    asked = _question(asking, kind, query, is_lenient=is_lenient)
    criteria = Criteria(_criteria(kind, asked.given))
    searched.on_record(kind.name, _told(asked.given), actor=asking.actor)
    try:
        with time_limit():
            if _is_counted_only(asked.given):
                total = kind.count(asking, criteria)
                return _written(asking, kind, asked, Page(total=total), (), is_form=is_form)
            page = kind.search(asking, _wanted(kind, asked, criteria))
            included = _included(asking, kind, page.resources, _values(asked.given, _INCLUDE))
            included += _pointing(asking, kind, page.resources, _values(asked.given, _REVERSE))
    except SearchTooBroad as error:
        text = _("This search takes too long. Narrow it: by a patient, days, or a number.")
        raise Refused(400, text, code="too-costly") from error
    return _written(asking, kind, asked, page, included, is_form=is_form)


def _question(asking: Asking, kind: Kind, query: QueryDict, *, is_lenient: bool) -> Question:
    if token := query.get(_PAGE):
        return _next_of(asking, kind, token)
    pairs = [
        (_plain(kind, name), value) for name, values in query.lists() if name not in _OF_THE_FORM for value in values
    ]
    unknown = tuple(dict.fromkeys(name for name, _value in pairs if not _is_known(kind, name)))
    if unknown and not is_lenient:
        known = ", ".join(sorted(found.name for found in kind.parameters))
        text = _("%(name)s is no parameter of this search, which would find more than was meant. It has: %(known)s.")
        raise Refused(400, text % {"name": unknown[0][:64], "known": known}, code="not-supported", expression="")
    given = tuple((name, value) for name, value in pairs if name not in unknown)
    if sum(len(name) + len(value) for name, value in given) > _LONGEST:
        raise Refused(400, _("The search is too long. Ask for less at once."), code="too-long")
    return Question(given, unknown=unknown)


def _plain(kind: Kind, name: str) -> str:
    """A parameter without the type of what it refers to: `patient:Patient.identifier` is `patient.identifier`."""
    head, colon, rest = name.partition(":")
    parameter = kind.parameter(head)
    if not colon or parameter is None or parameter.type is not Type.REFERENCE:
        return name
    target, dot, chained = rest.partition(".")
    return f"{head}{dot}{chained}" if target == parameter.target else name


def _is_known(kind: Kind, name: str) -> bool:
    return name in _OF_THE_ANSWER or kind.parameter(name) is not None


def _criteria(kind: Kind, given: Iterable[tuple[str, str]]) -> Mapping[str, Groups]:
    texts: dict[str, list[str]] = {}
    for name, value in given:
        if name not in _OF_THE_ANSWER:
            texts.setdefault(name, []).append(value)
    return {name: divided(name, values) for name, values in texts.items()}


def _wanted(kind: Kind, asked: Question, criteria: Criteria) -> Wanted:
    order = _last(asked.given, _SORT)
    if order and order not in kind.sorts:
        text = _("This search cannot be sorted like that.")
        raise Refused(400, text, code="not-supported", expression=_SORT)
    return Wanted(criteria, _count(asked.given), asked.after, order)


def _count(given: Iterable[tuple[str, str]]) -> int:
    text = _last(given, _COUNT)
    if not text:
        return USUAL
    if not text.isdigit() or len(text) > 9:
        raise Refused(400, _("This is no number."), code="value", expression=_COUNT)
    return min(int(text), MOST)


def _is_counted_only(given: Iterable[tuple[str, str]]) -> bool:
    pairs = list(given)
    summary = _last(pairs, _SUMMARY)
    if summary not in {"", "count", "false"}:
        raise Refused(400, _("Only _summary=count is offered."), code="not-supported", expression=_SUMMARY)
    return summary == "count" or _count(pairs) == 0


def _included(asking: Asking, kind: Kind, found: Sequence[Resource], wanted: Iterable[str]) -> list[Resource]:
    """What the resources refer to by these parameters, each once."""
    keys: dict[str, dict[str, None]] = {}
    for text in wanted:
        source, _colon, name = text.partition(":")
        parameter = kind.parameter(name.partition(":")[0])
        if source != kind.name or parameter is None or not parameter.element:
            text = _("This cannot be included. What can: %(known)s.") % {"known": ", ".join(kind.includes) or "–"}
            raise Refused(400, text, code="not-supported", expression=_INCLUDE)
        if not asking.may_read(parameter.target):
            raise Refused(403, _("The token does not allow resources of this type."), expression=_INCLUDE)
        for resource in found:
            for key in _referred(resource.get(parameter.element), parameter.target):
                keys.setdefault(parameter.target, {})[key] = None
    return [resource for target, those in keys.items() for resource in KINDS[target].several(asking, list(those))]


def _pointing(asking: Asking, kind: Kind, found: Sequence[Resource], wanted: Iterable[str]) -> list[Resource]:
    """What refers to the resources by these parameters of other kinds."""
    included: list[Resource] = []
    for text in dict.fromkeys(wanted):
        source = text.partition(":")[0]
        if text not in kind.reverse_includes:
            known = ", ".join(kind.reverse_includes) or "–"
            text = _("This cannot be included. What can: %(known)s.") % {"known": known}
            raise Refused(400, text, code="not-supported", expression=_REVERSE)
        if not asking.may_read(source):
            raise Refused(403, _("The token does not allow resources of this type."), expression=_REVERSE)
        included += KINDS[source].pointing_at(asking, [resource["id"] for resource in found]) if found else []
    return included


def _referred(value: object, target: str) -> list[str]:
    references = value if isinstance(value, list) else [value] if value else []
    found = [str(one.get("reference", "")).partition("/") for one in references if isinstance(one, dict)]
    return [key for kind, _slash, key in found if kind == target]


def _written(
    asking: Asking, kind: Kind, asked: Question, page: Page, included: Sequence[Resource], *, is_form: bool
) -> Resource:
    own = f"{asking.base}/{kind.name}"
    links = [{"relation": "self", "url": _own_address(own, asking, kind, asked, is_form=is_form)}]
    if page.next:
        following = _sealed(asking, kind, Question(asked.given, page.next))
        links.append({"relation": "next", "url": f"{own}?{urlencode({_PAGE: following})}"})
    entries = [_entry(asking, resource, "match") for resource in page.resources]
    entries += [_entry(asking, resource, "include") for resource in included]
    if asked.unknown:
        text = _("Passed over, for they are not known here: %(names)s.") % {"names": ", ".join(asked.unknown)[:400]}
        warning = outcome(200, text, code="not-supported", severity="warning")
        entries.append({"resource": warning, "search": {"mode": "outcome"}})
    found: Resource = {"resourceType": "Bundle", "type": "searchset"}
    if page.total is not None:
        found["total"] = page.total
    return {**found, "link": links, **({"entry": entries} if entries else {})}


def _entry(asking: Asking, resource: Resource, mode: str) -> Resource:
    address = f"{asking.base}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": address, "resource": resource, "search": {"mode": mode}}


def _own_address(own: str, asking: Asking, kind: Kind, asked: Question, *, is_form: bool) -> str:
    if is_form or asked.after:
        return f"{own}?{urlencode({_PAGE: _sealed(asking, kind, asked)})}"
    return f"{own}?{urlencode(asked.given)}" if asked.given else own


def _sealed(asking: Asking, kind: Kind, asked: Question) -> str:
    whose = [asking.actor.kind, asking.actor.id]
    return sealing.seal(orjson.dumps([kind.name, whose, asked.given, asked.after]).decode())


def _next_of(asking: Asking, kind: Kind, token: str) -> Question:
    """The page that an address was given for. Raises ``Refused`` for another's, and for what was not written here."""
    try:
        name, whose, given, after = orjson.loads(sealing.opened(token))
    except (sealing.Unreadable, ValueError) as error:
        raise Refused(400, _("This page is not of this search. Begin anew."), expression=_PAGE) from error
    if name != kind.name or whose != [asking.actor.kind, asking.actor.id]:
        raise Refused(400, _("This page is not of this search. Begin anew."), expression=_PAGE)
    return Question(tuple((pair[0], pair[1]) for pair in given), after)


def _told(given: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """What goes on record: what is asked for, whichever page of it."""
    told: dict[str, list[str]] = {}
    for name, value in given:
        if name not in {_COUNT, _SORT}:
            told.setdefault(name, []).append(value)
    return told


def _values(given: Iterable[tuple[str, str]], name: str) -> list[str]:
    return [value for key, value in given if key == name]


def _last(given: Iterable[tuple[str, str]], name: str) -> str:
    found = _values(given, name)
    return found[-1] if found else ""
