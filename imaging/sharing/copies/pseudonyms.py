"""What patients are called in the copies of one use, and with which profile those are made."""

import hashlib
from typing import Final

from imaging.dicom.deidentification.profile import Profile
from imaging.dicom.deidentification.pseudonyms import Keyed
from imaging.dicom.deidentification.pseudonyms import Pseudonym as Named
from imaging.sharing.models import CopiedStudy, Deidentification, Pseudonym
from imaging.studies.models import Patient

#: Of the digest that tells one use from another without telling its secret.
_SHOWN: Final = 12


def profile_of(deidentification: Deidentification) -> Profile:
    """Return the profile and options of a use, before anybody has cleaned or looked at pixels."""
    return Profile(**dict.fromkeys(deidentification.options, True))


def issuer_of(deidentification: Deidentification) -> str:
    """Return who gives the pseudonyms of a use: numbers of two uses are never one person's."""
    return f"copies {_mark(deidentification)}"


def _mark(deidentification: Deidentification) -> str:
    return hashlib.sha256(b"issuer" + bytes(deidentification.secret)).hexdigest()[:_SHOWN]


def keyed(copied: CopiedStudy) -> Keyed:
    """Return what the secret of a use makes of UIDs and dates."""
    return Keyed(bytes(copied.deidentification.secret), named(copied))


def named(copied: CopiedStudy) -> Named:
    """Return what the patient of a study is called in its copy."""
    row = Pseudonym.objects.get(deidentification=copied.deidentification_id, patient=copied.source.patient_id)
    return Named(row.name, row.name)


def give(deidentification: Deidentification, patient: Patient) -> Pseudonym:
    """Give a patient the next pseudonym of a use, in the order of being asked for; one who has one keeps it.

    It holds the mark of the use: an archive that takes in copies of two uses must not take them for one patient's.
    To be called with the use locked.
    """
    found = Pseudonym.objects.filter(deidentification=deidentification, patient=patient).first()
    if found is not None:
        return found
    number = Pseudonym.objects.filter(deidentification=deidentification).count() + 1
    name = f"SUBJECT-{_mark(deidentification)[:6].upper()}-{number:04d}"
    return Pseudonym.objects.create(deidentification=deidentification, patient=patient, name=name)
