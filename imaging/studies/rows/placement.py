"""Placements and the sort keys that they carry for the lists."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from django.db import connection, transaction

from imaging.studies.models import Placement, Study
from imaging.studies.rows import columns
from imaging.studies.rows.incoming import PlannedPlacement

# Locked first, by a statement of its own and in one order for all: the next one then sees what the others wrote who held
# them, of studies too that belong to the same patient and are changed at this moment.
_LOCK: Final = """
    SELECT FROM imaging_placement AS placement JOIN imaging_study AS study ON study.id = placement.study_id
    WHERE study.id = ANY(%s) OR study.patient_id = ANY(%s) ORDER BY placement.id FOR NO KEY UPDATE OF placement
"""
_REFRESH = """
    UPDATE imaging_placement AS placement
    SET study_at = study.study_at, last_received_at = study.last_received_at, name_norm = patient.name_norm,
        patient_id = patient.patient_id, birth_date = patient.birth_date, sex = patient.sex,
        accession_number = study.accession_number, modalities = study.modalities,
        modality_key = array_to_string(study.modalities, '\\'), description_norm = study.description_norm,
        body_part_examined = study.body_part_examined, referring_norm = study.referring_norm,
        series_count = study.series_count, instance_count = study.instance_count, source = study.source,
        status = study.status, sensitivity = CASE placement.kind WHEN 'emergency' THEN '' ELSE study.sensitivity END
    FROM imaging_study AS study JOIN imaging_patient AS patient ON patient.id = study.patient_id
    WHERE placement.study_id = study.id AND (study.id = ANY(%s) OR study.patient_id = ANY(%s))
"""
_OF_STUDY: Final = (
    *("study_at", "last_received_at", "accession_number", "modalities", "description_norm", "body_part_examined"),
    *("referring_norm", "series_count", "instance_count", "source", "status", "sensitivity"),
)
_OF_PATIENT: Final = ("name_norm", "patient_id", "birth_date", "sex")


def row(study: Study, plan: PlannedPlacement) -> Placement:
    """A placement of a saved study, unsaved, with the list's sort keys."""
    reasons = columns.clean(Placement, {"reason_code": plan.reason_code, "reason_detail": plan.reason_detail})
    placed = Placement(
        study=study,
        department_id=plan.department_id,
        kind=Placement.Kind(plan.kind),
        modality_key="\\".join(study.modalities),
        **{name: getattr(study, name) for name in _OF_STUDY},
        **{name: getattr(study.patient, name) for name in _OF_PATIENT},
        **reasons,
    )
    if placed.kind == Placement.Kind.EMERGENCY:
        placed.sensitivity = ""
    return placed


def place(plans: Mapping[Study, Sequence[PlannedPlacement]]) -> list[Placement]:
    """Place new studies where their plans say: each department once, by the first plan that names it."""
    rows = []
    for study, planned in plans.items():
        first: dict[int, PlannedPlacement] = {}
        for plan in planned:
            first.setdefault(plan.department_id, plan)
        rows += [row(study, plan) for plan in first.values()]
    return Placement.objects.bulk_create(rows, batch_size=1000)


def refresh(*, studies: Iterable[int] = (), patients: Iterable[int] = ()) -> None:
    """Copy the sort keys of changed studies, and of all studies of changed patients, to their placements at once."""
    study_ids, patient_ids = sorted(studies), sorted(patients)
    if study_ids or patient_ids:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_LOCK, [study_ids, patient_ids])
            cursor.execute(_REFRESH, [study_ids, patient_ids])
