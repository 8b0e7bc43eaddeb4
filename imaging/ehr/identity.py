"""Who a patient is beside the archive's own number: other numbers, the national one, the name in use, the place of birth.

ID-1, FR-1, FR-2. The French national number (INS) is kept only while the identity is qualified (PID-32 has VALI); it is known
by the OID of its issuer, never by its name, which feeds misspell (FR-3).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import F, QuerySet
from django.utils import timezone

from imaging.ehr.hl7.persons import Identifier, Person
from imaging.ehr.models import Hl7Peer, PatientIdentifier, RegisteredPatient
from imaging.studies.models import Patient, PatientMerge

#: ASIP Santé: the number of the civil register (NIR), that of who waits for one (NIA), and theirs for tests.
INS: Final = {
    "1.2.250.1.213.1.4.8": "INS-NIR",
    "1.2.250.1.213.1.4.9": "INS-NIA",
    "1.2.250.1.213.1.4.10": "INS-NIR (test)",
    "1.2.250.1.213.1.4.11": "INS-NIA (test)",
}
QUALIFIED: Final = "VALI"
#: Codes of table 0445 (France) by which a reader has to doubt whom images are of.
DOUBTFUL: Final = frozenset({"DPOT", "DOUA", "DOUB", "COLP", "COLV", "DESA"})
#: Codes of patients whose record not everybody of a department is to see: hidden, and without a name.
HIDDEN: Final = frozenset({"CACH", "ANOM"})
#: The code of an identity that the register has taken out of use.
OUT_OF_USE: Final = "DESA"
_LONGEST: Final = 64
_MOST: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One number: its issuer for readers, its OID, whether it is the national one, and whether it is one of before."""

    value: str
    issuer: str
    oid: str = ""
    is_national: bool = False
    is_old: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What is known of a patient beside name, birth date, sex and the archive's number."""

    used_name: str = ""
    birth_place: str = ""
    is_qualified: bool = False
    doubts: tuple[str, ...] = ()
    numbers: tuple[Number, ...] = ()


def keep(patient: Patient, found: Person, peer: Hl7Peer) -> None:
    """Keep the other numbers of a message. Another number of the same issuer replaces the one before.

    Without a qualified identity the national number goes out of use, and none is taken.
    """
    now = timezone.now()
    is_qualified = QUALIFIED in found.reliability
    told = [item for item in _further(patient, found.identifiers, peer) if is_qualified or item.universal_id not in INS]
    for item in told:
        PatientIdentifier.objects.update_or_create(
            patient=patient,
            value=item.value,
            universal_id=item.universal_id,
            namespace=item.namespace,
            defaults={"type_code": item.type_code[:12], "peer": peer, "told_at": now, "ended_at": None},
        )
    values = [item.value for item in told]
    for item in told:
        _same_issuer(patient, item).exclude(value__in=values).filter(ended_at=None).update(ended_at=now)
    if found.reliability and not is_qualified:
        national = PatientIdentifier.objects.filter(patient=patient, universal_id__in=INS, ended_at=None)
        national.update(ended_at=now)


def is_out_of_use(patient: Patient) -> bool:
    """Whether nothing new is to be linked to this identity (FR-1)."""
    return RegisteredPatient.objects.filter(patient=patient, reliability__contains=[OUT_OF_USE]).exists()


def identity_of(patient: Patient) -> Identity | None:
    """What a reader of this patient is to know; None for one of whom no register told anything, and nobody was merged into."""
    return identities_of([patient.pk]).get(patient.pk)


def identities_of(patients: Collection[int]) -> dict[int, Identity]:
    """The same of several, by their keys, in three queries; those of whom nothing is known are left out."""
    rows = {row.patient_id: row for row in RegisteredPatient.objects.filter(patient__in=patients)}
    qualified = {key for key, row in rows.items() if QUALIFIED in row.reliability}
    numbers = _numbers(patients, qualified)
    return {
        key: _identity(rows.get(key), tuple(numbers.get(key, ())), is_qualified=key in qualified)
        for key in patients
        if key in rows or key in numbers
    }


def _identity(row: RegisteredPatient | None, numbers: tuple[Number, ...], *, is_qualified: bool) -> Identity:
    if row is None:
        return Identity(numbers=numbers)
    place = " ".join(filter(None, (row.birth_place_code, row.birth_place)))
    return Identity(
        used_name=row.used_name,
        birth_place=place,
        is_qualified=is_qualified,
        doubts=tuple(code for code in row.reliability if code in DOUBTFUL),
        numbers=numbers,
    )


def bearers(identifier: Identifier) -> list[Patient]:
    """Who bears a further number now: by the issuer's OID, or by its name where none is told."""
    rows = PatientIdentifier.objects.filter(value=identifier.value, ended_at=None).select_related("patient")
    if identifier.universal_id:
        rows = rows.filter(universal_id=identifier.universal_id)
    elif identifier.namespace:
        rows = rows.filter(namespace=identifier.namespace).exclude(universal_id__in=INS)
    else:
        return []
    return [row.patient for row in rows.order_by("pk")[:_MOST]]


def current(patient: Patient) -> list[PatientIdentifier]:
    """The other numbers that are in use."""
    return list(PatientIdentifier.objects.filter(patient=patient, ended_at=None).order_by("pk")[:_MOST])


def _numbers(patients: Collection[int], qualified: Collection[int]) -> dict[int, list[Number]]:
    """Those in use first. The national number, also one of before, is not shown without a qualified identity (FR-1)."""
    found: dict[int, list[Number]] = {}
    rows = PatientIdentifier.objects.filter(patient__in=patients)
    for row in rows.order_by("patient", F("ended_at").desc(nulls_first=True), "pk"):
        is_national = row.universal_id in INS
        if is_national and row.patient_id not in qualified:
            continue
        number = Number(
            value=row.value,
            issuer=INS.get(row.universal_id) or row.namespace or row.universal_id,
            oid=row.universal_id,
            is_national=is_national,
            is_old=row.ended_at is not None,
        )
        found.setdefault(row.patient_id, []).append(number)
    found = {key: numbers[:_MOST] for key, numbers in found.items()}
    merged = PatientMerge.objects.in_force().filter(into__in=patients).select_related("merged").order_by("pk")
    before: dict[int, list[Number]] = {}
    for link in merged:
        number = Number(value=link.merged.patient_id, issuer=link.merged.issuer_of_patient_id, is_old=True)
        before.setdefault(link.into_id, []).append(number)
    for key, numbers in before.items():
        found.setdefault(key, []).extend(numbers[:_MOST])
    return found


def _further(patient: Patient, found: Sequence[Identifier], peer: Hl7Peer) -> list[Identifier]:
    """The identifiers that are not the row's own; one without an issuer is of the sender's site."""
    own = (patient.patient_id, patient.issuer_of_patient_id)
    oids = {peer.site.issuer_oid} - {""}
    kept = []
    for item in found[:_MOST]:
        is_home = (not item.namespace and not item.universal_id) or item.universal_id in oids
        issuer = peer.site.issuer_of_patient_id if is_home else item.namespace
        if (item.value, issuer) != own and len(item.value) <= _LONGEST:
            kept.append(Identifier(item.value, issuer[:_LONGEST], item.universal_id[:_LONGEST], item.type_code))
    return kept


def _same_issuer(patient: Patient, item: Identifier) -> QuerySet[PatientIdentifier]:
    rows = PatientIdentifier.objects.filter(patient=patient)
    if item.universal_id in INS:
        return rows.filter(universal_id__in=INS)
    if item.universal_id:
        return rows.filter(universal_id=item.universal_id)
    return rows.filter(universal_id="", namespace=item.namespace)
