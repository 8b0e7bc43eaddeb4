"""Patients of studies: found by issuer and ID, made where they are missing, completed where they were blank, let go of."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import ProtectedError

from imaging.studies.models import Patient, Study
from imaging.studies.rows import columns
from imaging.studies.rows.columns import PatientKey
from imaging.studies.rows.incoming import IncomingInstance, Registered
from imaging.studies.rows.locks import PatientGone

_ROWS = 1000


def of_batch(accepted: list[Registered], studies: dict[str, Study]) -> dict[str, Patient]:
    """The patient of each study of a batch, made where there is none; none of them is locked yet.

    ``studies`` are the ones that exist; they keep their patient, whatever the headers say.
    """
    found = {uid: study.patient for uid, study in studies.items()}
    leading: dict[str, IncomingInstance] = {}
    for verdict in accepted:
        uid = verdict.incoming.header.study.study_instance_uid
        if uid not in found:
            leading.setdefault(uid, verdict.incoming)
    by_key = _named([item for item in leading.values() if columns.patient_key(item)])
    anonymous = {uid: _new(item) for uid, item in leading.items() if columns.patient_key(item) is None}
    Patient.objects.bulk_create(anonymous.values(), batch_size=_ROWS)
    for uid, item in leading.items():
        key = columns.patient_key(item)
        found[uid] = by_key[key] if key else anonymous[uid]
    return found


def key_of(patient: Patient) -> PatientKey | None:
    """Issuer and ID of a patient's row, or None without an ID."""
    return (patient.issuer_of_patient_id, patient.patient_id) if patient.patient_id else None


def of_key(current: Patient, key: Mapping[str, str], values: Mapping[str, Any]) -> Patient:
    """The patient of a study that names ``key`` now: the current one, one that is known, or a new one with ``values``.

    It is not locked yet. The columns of ``key`` are ``issuer_of_patient_id`` and ``patient_id``; without an ID the study has a
    patient of its own.
    """
    if not key["patient_id"]:
        return current if not current.patient_id else Patient.objects.create(**values)
    if key_of(current) == (key["issuer_of_patient_id"], key["patient_id"]):
        return current
    # Others may make the same person meanwhile: nobody fails for that.
    Patient.objects.bulk_create([Patient(**key, **values)], ignore_conflicts=True)
    found = Patient.objects.filter(**key).first()
    if found is None:
        raise PatientGone
    return found


def forget(patient_id: int) -> None:
    """Let go of a patient whom no study names any more: a later object must not be held against a mistake.

    Whoever holds the row is giving it a study, or will let go of it: it stays then, and nobody waits.
    """
    patient = Patient.objects.filter(pk=patient_id).select_for_update(skip_locked=True).first()
    if patient is None or patient.studies.exists():
        return
    try:
        patient.delete()
    except ProtectedError:
        # Something else is known of this person by now.
        return


def _new(item: IncomingInstance) -> Patient:
    issuer, patient_id = columns.patient_key(item) or ("", "")
    values = columns.clean(Patient, columns.patient_values(item.header.patient))
    return Patient(issuer_of_patient_id=issuer, patient_id=patient_id, **values)


def _named(items: list[IncomingInstance]) -> dict[PatientKey, Patient]:
    """Patients by issuer and ID; the missing ones are made, in one order for all registrars."""
    wanted: dict[PatientKey, IncomingInstance] = {}
    for item in items:
        wanted.setdefault(columns.patient_key(item) or ("", ""), item)
    found = _found(wanted)
    missing = sorted(set(wanted) - set(found))
    if missing:
        made = [_new(wanted[key]) for key in missing]
        Patient.objects.bulk_create(made, batch_size=_ROWS, ignore_conflicts=True)
        found |= _found(missing)
    if len(found) < len(wanted):
        raise PatientGone
    return found


def _found(keys: Iterable[PatientKey]) -> dict[PatientKey, Patient]:
    issuers, ids = {issuer for issuer, _id in keys}, {patient_id for _issuer, patient_id in keys}
    rows = Patient.objects.filter(issuer_of_patient_id__in=issuers, patient_id__in=ids)
    return {key: row for row in rows if (key := (row.issuer_of_patient_id, row.patient_id)) in set(keys)}


def complete(patients: Mapping[str, Patient], accepted: list[Registered]) -> list[int]:
    """Fill what was blank of locked patients, by study, from headers of the same patient; the keys of those that changed."""
    changed: dict[int, Patient] = {}
    for verdict in accepted:
        patient = patients[verdict.incoming.header.study.study_instance_uid]
        same = columns.patient_key(verdict.incoming) in {None, key_of(patient)}
        if same and columns.fill_blanks(patient, columns.patient_values(verdict.incoming.header.patient)):
            changed[patient.pk] = patient
    for _pk, patient in sorted(changed.items()):
        patient.save(update_fields=["patient_name", "name_norm", "birth_date", "sex"])
    return sorted(changed)
