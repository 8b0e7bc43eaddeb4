"""What the reconciliation desk says in words: why a study waits, what speaks for a pair, where two patients differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imaging.dicom import person_name
from imaging.ingest.policies import names_agree
from imaging.orders.matching import selectors
from imaging.orders.matching.policies import Person, Sign
from imaging.orders.models import ExamRequest, PerformedStep, StudyLink, UnmatchedStudy
from imaging.orders.performing import mpps
from imaging.studies.models import Study

_SIGNS: Final[Mapping[Sign, str | Promise]] = {
    Sign.PATIENT: gettext_lazy("same patient"),
    Sign.NAME: gettext_lazy("same name"),
    Sign.NUMBER: gettext_lazy("similar number"),
    Sign.DAY: gettext_lazy("same day"),
    Sign.MODALITY: gettext_lazy("same modality"),
    Sign.BODY_PART: gettext_lazy("same body part"),
}
_WHY: Final[Mapping[str, str | Promise]] = {
    UnmatchedStudy.Why.NO_REQUEST: gettext_lazy("No request has its numbers."),
    UnmatchedStudy.Why.OTHER_PATIENT: gettext_lazy("Its number belongs to a request for another patient."),
    UnmatchedStudy.Why.SEVERAL: gettext_lazy("Several requests have its number."),
    UnmatchedStudy.Why.ENDED: gettext_lazy("Its request was refused or cancelled."),
}


@dataclass(frozen=True, slots=True)
class Trait:
    """One trait of the patient, as the study shows and as the request says it."""

    label: str
    shown: str | date | None
    asked: str | date | None
    differs: bool
    is_day: bool = False


def why(found: UnmatchedStudy) -> str:
    """Why a study waits."""
    return str(_WHY.get(found.why, found.get_why_display()))


def why_mended(exam: PerformedStep) -> str:
    """Why a person has to look at what a machine reported."""
    if exam.discontinuation_code == mpps.WRONG_ENTRY:
        return _("It was begun with somebody else’s line of the worklist.")
    return _("The machine names a booking that is not known here.")


def signs(found: tuple[Sign, ...]) -> list[str]:
    """What speaks for a pair. That the patient is the same says the name too."""
    return [str(_SIGNS[sign]) for sign in found if not (sign is Sign.NAME and Sign.PATIENT in found)]


def patient_asked(request: ExamRequest) -> str:
    """The name for whom a request is, as DICOM writes names."""
    return selectors.person_asked(request).patient_name


def traits(study: Study, request: ExamRequest) -> list[Trait]:
    """The patient of the study beside the patient of the request."""
    shown, asked = selectors.person_shown(study.patient), selectors.person_asked(request)
    sexes = (study.patient.sex, request.patient.sex if request.patient else request.typed_sex)
    same_day = bool(shown.birth_date) and shown.birth_date == asked.birth_date
    return [
        Trait(
            _("Name"),
            person_name.display(shown.patient_name),
            person_name.display(asked.patient_name),
            not names_agree(shown.patient_name, asked.patient_name, same_birth_date=same_day),
        ),
        Trait(_("MRN"), _number(shown), _number(asked), _differ(shown.patient_id, asked.patient_id)),
        Trait(
            _("Birth date"),
            shown.birth_date,
            asked.birth_date,
            _differ(shown.birth_date, asked.birth_date),
            is_day=True,
        ),
        Trait(_("Sex"), *sexes, _differ(*sexes)),
        Trait(
            _("Accession"),
            study.accession_number,
            request.accession_number,
            _differ(study.accession_number, request.accession_number),
        ),
    ]


def seen(links: list[StudyLink]) -> str:
    """The links of a study as the forms of its page send them back."""
    return ",".join(str(link.pk) for link in links)


def refusal(by: str) -> str:
    """What the second of two people is told."""
    if by and by != "system":
        return _("%(name)s has decided about this study meanwhile. Nothing was changed by you: look again below.") % {
            "name": by
        }
    return _("The study has changed meanwhile. Nothing was changed by you: look again below.")


def _number(person: Person) -> str:
    issuer = f"({person.issuer_of_patient_id})" if person.issuer_of_patient_id else ""
    return " ".join(part for part in (person.patient_id, issuer) if part)


def _differ(one: object, other: object) -> bool:
    """What one side does not tell never disagrees."""
    return bool(one and other and one != other)
