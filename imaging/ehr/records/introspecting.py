"""Tokens that a health record gave out, believed when the record says so itself (RFC 7662; SMART App Launch 2.2, section 7).

A token of a launch in the record opens the images of its patient here, and of nobody else: SMART Imaging Access (FH-8). What is
asked is `patient/ImagingStudy` with `r` and `s`; a scope that is narrower than that, by a query behind it, cannot be kept here
and opens nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson
from django.utils import timezone

from accounts import guests, throttling
from accounts.actor import Actor
from accounts.federation import kept
from accounts.guests import Guest
from accounts.roles import Door, Right
from accounts.scope import scope_of_patients
from accounts.signing_in import sealing
from imaging.ehr import identity
from imaging.ehr.models import HealthRecord, RegisteredPatient
from imaging.ehr.records import selectors, tokens
from imaging.ehr.records.client import Unavailable, is_id, reading
from imaging.fhir.values import Resource
from imaging.studies.correction.merging import survivor
from imaging.studies.models import Patient

#: Seconds for which the record's word about a token is kept: a viewer fetches hundreds of frames with one.
_KEPT_SECONDS: Final = 10
#: Tokens that nobody knows, of one address in a minute: each is a question to the record.
_UNKNOWN_PER_MINUTE: Final = 60
#: `patient/ImagingStudy.rs`, or as SMART 1 wrote it; what follows a question mark narrows it.
_SCOPE: Final = re.compile(r"patient/(?P<kind>[A-Za-z]+|\*)\.(?P<what>read|\*|c?r?u?d?s?)")
_KINDS: Final = ("ImagingStudy", "Patient")
_LONGEST: Final = 8192


@dataclass(frozen=True, slots=True)
class Word:
    """What a record says of a token: for which of our patients, which program, until when, and what may be read."""

    record: int
    slug: str
    patients: tuple[int, ...]
    client: str
    until: dt.datetime
    kinds: tuple[str, ...]


def recognise(token: str, door: Door, address: str) -> Guest | None:
    """The program that brings a token of one of the records that are believed; None for any other token."""
    if len(token) > _LONGEST or not token.isascii():
        return None
    name = f"ehr:token:{hashlib.sha256(token.encode()).hexdigest()}"
    known = kept.get(name)
    word = _opened(known) if isinstance(known, str) else _asked(token, name, address)
    if word is None or word.until <= timezone.now() or "ImagingStudy" not in word.kinds:
        return None
    actor = Actor(kind="machine", id=f"record:{word.slug}:{word.client}", name=word.client, address=address, door=door)
    scope = scope_of_patients(
        principal=actor,
        patients=word.patients,
        rights=(Right.LIST, Right.VIEW, Right.DOWNLOAD),
        reason=f"token of the health record {word.slug}",
        valid_until=word.until,
    )
    return Guest(actor, scope, frozenset({"Endpoint", *word.kinds}))


def granted(scope: object) -> tuple[str, ...]:
    """The kinds that a scope lets somebody both search and read, of those that are given here (SMART App Launch 2.2, section 3)."""
    found = [match for text in str(scope or "").split() if (match := _SCOPE.fullmatch(text))]
    return tuple(
        kind
        for kind in _KINDS
        if any(one["kind"] in {kind, "*"} and (one["what"] in {"read", "*"} or _reads(one["what"])) for one in found)
    )


def _reads(letters: str) -> bool:
    return "r" in letters and "s" in letters


def _asked(token: str, name: str, address: str) -> Word | None:
    records = selectors.records_whose_tokens_are_taken()
    if not records or kept.get(f"{name}:unknown"):
        return None
    shut = f"ehr:token:shut:{address}"
    if kept.get(shut):
        return None
    for record in records:
        try:
            word = _word(record, tokens.introspected(record, token))
        except Unavailable:
            continue
        if word is not None:
            kept.put(name, _sealed(word), _KEPT_SECONDS)
            return word
    kept.put(f"{name}:unknown", True, _KEPT_SECONDS)
    # Only what nobody knows is counted: programs with good tokens may all come from one address.
    stranger = Actor(kind="machine", id=address, name="unknown program", address=address)
    allowance = throttling.spend(stranger, "ehr.introspect", limit=_UNKNOWN_PER_MINUTE)
    if allowance is not None and allowance.wait:
        kept.put(shut, True, allowance.wait)
    return None


def _word(record: HealthRecord, said: dict[str, Any]) -> Word | None:
    expires, key, client = said.get("exp"), said.get("patient"), said.get("client_id")
    if said.get("active") is not True or not isinstance(expires, int | float) or not is_id(key):
        return None
    kinds = granted(said.get("scope"))
    if not kinds or not isinstance(client, str) or not client:
        return None
    with reading(record, tokens.token_for(record)) as reader:
        patient = reader.read("Patient", str(key))
    patients = _ours(record, patient) if patient else ()
    until = dt.datetime.fromtimestamp(min(float(expires), 2**32), dt.UTC)
    return Word(record.pk, record.slug, tuple(patients), client[:100], until, kinds)


def _ours(record: HealthRecord, patient: Resource) -> Iterable[int]:
    """The rows of the patient here, by the site's number and nothing else; none for an identity that the register hides (FR-1)."""
    number = record.number_in(patient)
    if not number:
        return ()
    issuer = record.site.issuer_of_patient_id
    row = Patient.objects.filter(issuer_of_patient_id=issuer, patient_id=number).first()
    if row is None:
        return ()
    row = survivor(row)
    born = patient.get("birthDate")
    is_other = row.birth_date and isinstance(born, str) and len(born) == 10 and born != row.birth_date.isoformat()
    codes = RegisteredPatient.objects.filter(patient=row).values_list("reliability", flat=True).first()
    return () if is_other or identity.HIDDEN & set(codes or ()) else (row.pk,)


def _sealed(word: Word) -> str:
    told = [word.record, word.slug, word.patients, word.client, word.until.isoformat(), word.kinds]
    return sealing.seal(orjson.dumps(told).decode())


def _opened(sealed: str) -> Word | None:
    try:
        record, slug, patients, client, until, kinds = orjson.loads(sealing.opened(sealed))
    except (sealing.Unreadable, ValueError):
        return None
    return Word(record, slug, tuple(patients), client, dt.datetime.fromisoformat(until), tuple(kinds))


guests.register(recognise)
