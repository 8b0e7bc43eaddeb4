"""What the portal itself knows about an emergency access: what speaks for it, and what deserves a question."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import selectors as people
from accounts.models import User
from accounts.roles import Capability
from imaging.access.emergency import selectors
from imaging.access.emergency.models import EmergencyAccess
from imaging.access.requests import care_relations
from imaging.dicom import person_name


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was found, in words; ``speaks_for`` is False where it asks for a closer look."""

    words: str
    speaks_for: bool


def of_access(emergency: EmergencyAccess) -> list[Found]:
    """Return what is known of the person and the patient, what speaks for a care relation first."""
    return [*_relations(emergency), *_questions(emergency)]


def _relations(emergency: EmergencyAccess) -> list[Found]:
    user = emergency.user
    departments = people.capabilities_by_department(user).get(Capability.BREAK_GLASS, frozenset())
    sentences = [
        care_relations.in_words(entry.written())
        for department in sorted(departments)
        for entry in care_relations.evidence_of(user, department, emergency.patient)
    ]
    return [Found(words, speaks_for=True) for words in dict.fromkeys(sentences) if words]


def _questions(emergency: EmergencyAccess) -> list[Found]:
    found = []
    if _family(emergency.user) & _words(person_name.family(emergency.patient.patient_name)):
        found.append(_("Person and patient have the same surname."))
    earlier = selectors.number_before(emergency)
    if earlier:
        found.append(
            ngettext(
                "The same person opened this record once before in an emergency.",
                "The same person opened this record %(count)d times before in an emergency.",
                earlier,
            )
            % {"count": earlier}
        )
    if emergency.is_unusual:
        found.append(_("It was one of unusually many within an hour."))
    if emergency.said_name:
        found.append(
            _("A sealed account was used; the name given is %(name)s. Nothing proves it but the envelope's place.")
            % {"name": emergency.said_name}
        )
    if selectors.is_protected(emergency):
        found.append(_("The record is specially protected."))
    return [Found(words, speaks_for=False) for words in found]


def _family(user: User) -> frozenset[str]:
    """The person's surname; without one the last word of the name that is shown."""
    return _words(user.last_name or user.label.split()[-1])


def _words(name: str) -> frozenset[str]:
    return frozenset(word for word in person_name.normalised(name).split() if len(word) > 1)
