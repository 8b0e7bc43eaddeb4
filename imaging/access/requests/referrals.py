"""Referring physicians see their patient's study, where a department lets them: by a number, never by a name.

The number stands in Referring Physician Identification Sequence (0008,0096), as Person Identification Code Sequence
(0040,1101) of the macro in PS3.3 table 10-1: a code value and the system that it belongs to.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from accounts import selectors as accounts
from accounts import services as people
from accounts.actor import SYSTEM
from accounts.models import User
from accounts.practitioners.selectors import Numbered, people_numbered
from accounts.roles import Capability
from imaging.access.requests import selectors
from imaging.access.requests.models import StudyReferrer
from imaging.studies import services as studies
from imaging.studies.models import Grant, InstanceVersion, PatientChoice, Study
from imaging.studies.oppositions import is_opposed
from imaging.studies.reading import metadata

_REFERRER: Final = "00080096"
_CODES: Final = "00401101"
_VALUES: Final = ("00080100", "00080119", "00080120")
_SYSTEMS: Final = ("00080102", "0008010C")
_MOST: Final = 20


def note_referrer(study_instance_uid: str) -> int:
    """Keep the numbers by which a study names who referred, and open it to them where its department does. How many grants."""
    study = Study.objects.select_related("patient").filter(study_instance_uid=study_instance_uid).first()
    if study is None:
        return 0
    found = _numbers(study)
    _keep(study, found)
    _end_of_others(study, found)
    if not found or study.sensitivity or is_opposed(study.patient, PatientChoice.Use.DEPARTMENTS):
        return 0
    return _open(study, found)


def _numbers(study: Study) -> set[Numbered]:
    """System and number of each referring physician that the study's first image names."""
    versions = InstanceVersion.objects.current().filter(instance__study=study, instance__is_rejected=False)
    version = versions.select_related("instance__series__study", "stored_object").order_by("pk").first()
    if version is None:
        return set()
    return set(list(_read(metadata.instance_record(version)))[:_MOST])


def _read(record: Mapping[str, Any]) -> Iterator[Numbered]:
    for person in _items(record, _REFERRER):
        for code in _items(person, _CODES):
            number = next((text for tag in _VALUES if (text := _text(code, tag))), "")
            for system in filter(None, (_text(code, tag) for tag in _SYSTEMS)):
                if number:
                    yield system.upper(), number


def _items(record: Mapping[str, Any], tag: str) -> list[Mapping[str, Any]]:
    values = (record.get(tag) or {}).get("Value") or []
    return [item for item in values if isinstance(item, Mapping)][:_MOST]


def _text(record: Mapping[str, Any], tag: str) -> str:
    values = (record.get(tag) or {}).get("Value") or [""]
    return str(values[0] or "").replace("\x00", "").strip()[:64]


def _keep(study: Study, found: set[Numbered]) -> None:
    """The rows say what the image says: one that was corrected loses what it said before."""
    with transaction.atomic():
        known = {(row.system, row.number): row.pk for row in StudyReferrer.objects.filter(study=study)}
        gone = [pk for key, pk in known.items() if key not in found]
        StudyReferrer.objects.filter(pk__in=gone).delete()
        rows = [
            StudyReferrer(study=study, system=system, number=number) for system, number in sorted(found - set(known))
        ]
        StudyReferrer.objects.bulk_create(rows, ignore_conflicts=True)


def _end_of_others(study: Study, found: set[Numbered]) -> None:
    """Who is named no longer, by a correction, sees it no longer."""
    named = {person.own_place_id for person in people_numbered(found)}
    for held in Grant.objects.live().filter(study=study, basis=Grant.Basis.REFERRER).select_related("holder", "study"):
        if held.holder_id not in named:
            studies.end_grant(held, actor=SYSTEM)


def _open(study: Study, found: set[Numbered]) -> int:
    """Grant it once to each: what somebody has ended is not given again."""
    policy = selectors.policy_of(selectors.owner_of(study))
    if not policy.referrer_hours:
        return 0
    made = 0
    for person in people_numbered(found):
        site = _site_of(person)
        if site is None:
            continue
        place = people.own_place_of(person, site=site)
        source = f"referrer:{study.study_instance_uid}"
        if Grant.objects.filter(holder=place, source=source).exists():
            continue
        studies.grant(
            study,
            holder=place,
            gives=Grant.Gives.VIEW,
            basis=Grant.Basis.REFERRER,
            actor=SYSTEM,
            until=timezone.now() + timedelta(hours=policy.referrer_hours),
            source=source,
        )
        made += 1
    return made


def _site_of(person: User) -> Any:
    """The site of a department where the person may ask for access; None for who may not: a rule gives no more than asking."""
    held = accounts.capabilities_by_department(person).get(Capability.REQUEST_ACCESS, frozenset())
    departments = accounts.departments_named(held)
    return departments[0].site if departments else None
