"""The studies that a question names, as far as its reader may see them, and whether what it says of them agrees."""

from django.db.models import Q

from accounts.models import Site
from accounts.scope import Scope
from imaging.ehr import identity
from imaging.ehr import selectors as ehr
from imaging.ehr.invoking.question import Question
from imaging.studies.correction.merging import survivor
from imaging.studies.models import Patient, Study

#: More is a list, and the study list is better at that.
MOST = 200


class Disagreement(Exception):
    """What the address says of patient, studies and numbers is not about the same thing: nothing is shown."""


def found(question: Question, scope: Scope) -> list[Study]:
    """The studies, newest first; none for what does not exist and for what the reader may not see. Raises ``Disagreement``."""
    studies = _named(question, scope) if question.names_studies else _of_patient(question, scope)
    if not studies:
        return []
    patients = {study.patient_id: study.patient for study in studies}
    if len(patients) > 1:
        raise Disagreement
    (patient,) = patients.values()
    if question.birth_date and patient.birth_date and question.birth_date != patient.birth_date:
        raise Disagreement
    if question.names_studies and question.patient is not None and patient not in _patients(question):
        raise Disagreement
    return studies[: question.most_recent or MOST]


def _named(question: Question, scope: Scope) -> list[Study]:
    visible = Study.objects.visible_to(scope).select_related("patient").order_by("-study_at", "-pk")
    uids, numbers = question.study_instance_uids, question.accession_numbers
    if not uids:
        return list(visible.filter(accession_number__in=numbers)[: MOST + 1])
    studies = list(visible.filter(study_instance_uid__in=uids))
    # Both are one too many for the standard, and sent all the same: they have to mean the same studies.
    if numbers and {study.accession_number for study in studies} != set(numbers) and studies:
        raise Disagreement
    return studies


def _of_patient(question: Question, scope: Scope) -> list[Study]:
    conditions = Q(patient__in=_patients(question))
    if question.since:
        conditions &= Q(study_at__gte=question.since)
    if question.until:
        conditions &= Q(study_at__lte=question.until)
    if question.modalities:
        conditions &= Q(modalities__overlap=list(question.modalities))
    visible = Study.objects.visible_to(scope).filter(conditions).select_related("patient")
    return list(visible.order_by("-study_at", "-pk")[:MOST])


def _patients(question: Question) -> list[Patient]:
    """Who is meant: by the issuer's OID or name; a bare number means everybody who bears it, of whom there must be one."""
    identifier = question.patient
    if identifier is None:
        return []
    rows = Patient.objects.filter(patient_id=identifier.value)
    if identifier.namespace or identifier.universal_id:
        home = Site.objects.order_by("pk").first()
        site = ehr.issuer_of(identifier, home) if home else None
        if site is None:
            return [survivor(row) for row in identity.bearers(identifier)]
        rows = rows.filter(issuer_of_patient_id=site.issuer_of_patient_id)
    return [survivor(row) for row in rows]
