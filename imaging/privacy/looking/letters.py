"""The letter that tells a patient who looked (GDPR article 15): made once, kept as it was, on record as an export.

Whether the staff are named is the hospital's decision: functions satisfy the article, names where the patient needs them to
exercise their rights (CJEU, C-579/21).
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from typing import Any, Final

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import audit
from accounts.actor import Actor
from accounts.models import Language, Site
from imaging.dicom import person_name
from imaging.privacy.looking import selectors, words
from imaging.privacy.looking.identities import Identity, identity_of
from imaging.privacy.looking.selectors import Group, Period
from imaging.privacy.models import AccessLetter, DataSubjectRequest, Letterhead, RequestLine
from imaging.privacy.officers import name_of
from imaging.studies.models import Patient

#: Lines of one letter; a patient reads no more.
MOST: Final = 2_000


class TooLong(ValueError):
    """The period holds more than one letter can tell: choose a shorter one."""


def letterhead_of(patient: Patient) -> Letterhead:
    """The letterhead of the hospital that numbers this patient, else of the only one; blank where none was written."""
    sites = list(Site.objects.order_by("pk")[:50])
    own = [site for site in sites if site.issuer_of_patient_id == patient.issuer_of_patient_id]
    if not sites:
        return Letterhead()
    site = (own or sites)[0]
    return Letterhead.objects.filter(site=site).select_related("site").first() or Letterhead(site=site)


def make_letter(
    patient: Patient,
    period: Period,
    *,
    language: str,
    names_staff: bool,
    actor: Actor,
    request: DataSubjectRequest | None = None,
) -> AccessLetter:
    """Make and keep the letter. Raises :class:`TooLong`, and ``AuditUnavailable`` when it cannot be put on record."""
    # Whatever has a name in both languages is read in the letter's own.
    with translation.override(language):
        identity = identity_of(patient)
        found = selectors.looks_at(identity, period)
        if found.is_cut or len(found.groups) > MOST:
            raise TooLong
        content = _content(identity, period, found.groups, names_staff=names_staff)
    with transaction.atomic():
        made = AccessLetter.objects.create(
            patient=patient,
            request=request,
            language=Language(language),
            since=period.since,
            until=period.until,
            names_staff=names_staff,
            content=content,
            digest=digest_of(content),
            made_at=timezone.now(),
            made_by=name_of(actor),
        )
        if request is not None:
            RequestLine.objects.create(
                request=request, what=RequestLine.What.LETTER, note=made.reference, by=name_of(actor)
            )
        _record(made, actor)
    return made


def _record(made: AccessLetter, actor: Actor) -> None:
    """A letter leaves the house: it is on record, or it is not made."""
    audit.record(
        audit.Action.AUDIT_EXPORTED,
        actor=actor,
        subject_type="access_letter",
        subject_uid=str(made.pk),
        patient_id=made.patient.patient_id,
        issuer_of_patient_id=made.patient.issuer_of_patient_id,
        detail={
            "form": "letter",
            "reference": made.reference,
            "since": made.since.isoformat(),
            "until": made.until.isoformat(),
            "names_staff": made.names_staff,
            "digest": made.digest,
        },
        fail_closed=True,
    )


def digest_of(content: dict[str, Any]) -> str:
    """The digest by which a kept letter is proved unchanged: SHA-256 of its content as sorted JSON."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def lines_of(groups: Iterable[Group], *, names_staff: bool) -> list[dict[str, Any]]:
    """Who looked, line by line with its day, in plain words of the language that is active."""
    return [{"day": group.day.isoformat(), **_line(group, names_staff=names_staff)} for group in groups]


def _content(identity: Identity, period: Period, groups: tuple[Group, ...], *, names_staff: bool) -> dict[str, Any]:
    patient = identity.patient
    head = letterhead_of(patient)
    return {
        "hospital": {
            "name": head.site.name if head.site_id else "",
            "address": head.address,
            "officer": head.officer,
            "contact": head.contact,
            "authority": head.authority,
        },
        "patient": {
            "name": person_name.display(patient.patient_name),
            "born": patient.birth_date.isoformat() if patient.birth_date else "",
            "number": patient.patient_id,
            "issuer": patient.issuer_of_patient_id,
            "earlier": list(identity.earlier_ids),
        },
        "since": period.since.isoformat(),
        "until": period.until.isoformat(),
        "names_staff": names_staff,
        "people": len({(group.kind, group.actor) for group in groups}),
        "days": [
            {"day": day.isoformat(), "lines": [_line(group, names_staff=names_staff) for group in rows]}
            for day, rows in selectors.by_day(groups)
        ],
    }


def _line(group: Group, *, names_staff: bool) -> dict[str, Any]:
    first, last = _clock(group.first), _clock(group.last)
    function = ", ".join([*group.roles, *group.departments])
    if group.kind == "user":
        who = group.name if names_staff else (function or _("A member of the hospital's staff"))
        role = function if names_staff else ""
    elif group.kind == "share" and names_staff:
        # Who was given the link, and by whom: a name of the staff as any other.
        who, role = group.name, words.kind_in_words(group.kind)
    else:
        who, role = words.kind_in_words(group.kind) or group.name, ", ".join(group.departments)
    return {
        "who": who,
        "role": role,
        "from": first,
        "to": last if last != first else "",
        "what": [_times(said, number) for said, number in group.done] + _refused(group),
        "why": [told.words for told in group.grounds],
        "how": list(group.doors),
    }


def _refused(group: Group) -> list[str]:
    if not group.refused:
        return []
    said = ngettext("%(number)d attempt was refused", "%(number)d attempts were refused", group.refused)
    return [said % {"number": group.refused}]


def _times(said: str, number: int) -> str:
    if number == 1:
        return said
    return ngettext("%(what)s (%(number)d time)", "%(what)s (%(number)d times)", number) % {
        "what": said,
        "number": number,
    }


def _clock(moment: dt.datetime) -> str:
    return f"{timezone.localtime(moment):%H:%M}"
