"""Give the studies of an earlier version the keys by which lists now sort, filter and search."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.db import migrations

from imaging.dicom import person_name

_ROWS = 2000

# Who first brought a study is known from the first of its versions; a study without any has no source.
_SOURCE = """
    UPDATE imaging_study AS study SET source = (
        SELECT version.sender FROM imaging_instanceversion version
        JOIN imaging_instance instance ON instance.id = version.instance_id
        WHERE instance.study_id = study.id AND version.sender <> '' ORDER BY version.received_at, version.id LIMIT 1)
    WHERE source = '' AND EXISTS (
        SELECT FROM imaging_instanceversion version JOIN imaging_instance instance ON instance.id = version.instance_id
        WHERE instance.study_id = study.id AND version.sender <> '')
"""
_STATUS = """
    UPDATE imaging_study AS study SET status = CASE
        WHEN EXISTS (SELECT FROM imaging_instanceversion version
                     JOIN imaging_instance instance ON instance.id = version.instance_id
                     WHERE instance.study_id = study.id AND version.state = 'conflicting')
          OR EXISTS (SELECT FROM imaging_job job
                     WHERE job.study_instance_uid = study.study_instance_uid AND job.state = 'failed')
        THEN 'attention' WHEN settled_at IS NULL THEN 'arriving' ELSE 'complete' END
"""
_PLACEMENTS = """
    UPDATE imaging_placement AS placement
    SET modality_key = array_to_string(study.modalities, '\\'), description_norm = study.description_norm,
        body_part_examined = study.body_part_examined, referring_norm = study.referring_norm,
        birth_date = patient.birth_date, sex = patient.sex, series_count = study.series_count,
        instance_count = study.instance_count, source = study.source, status = study.status,
        sensitivity = study.sensitivity
    FROM imaging_study AS study JOIN imaging_patient AS patient ON patient.id = study.patient_id
    WHERE placement.study_id = study.id
"""
# Lists are read from indexes alone where the database knows that rows are visible to all: it should look soon and often.
_VACUUM = "ALTER TABLE imaging_placement SET (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_vacuum_scale_factor = 0.05)"
_NO_VACUUM = (
    "ALTER TABLE imaging_placement RESET (autovacuum_vacuum_insert_scale_factor, autovacuum_vacuum_scale_factor)"
)


def _normalised(studies: Any) -> Iterator[Any]:
    for study in studies.iterator(chunk_size=_ROWS):
        study.description_norm = person_name.normalised(study.description)[:256]
        study.referring_norm = person_name.normalised(study.referring_physician_name)[:324]
        yield study


def fill(apps: Any, schema_editor: Any) -> None:
    """Work out the new columns of studies, then copy them to their placements."""
    studies = apps.get_model("imaging", "Study").objects
    rows = _normalised(studies.only("pk", "description", "referring_physician_name").order_by("pk"))
    while batch := list(islice(rows, _ROWS)):
        studies.bulk_update(batch, ["description_norm", "referring_norm"])
    for statement in (_SOURCE, _STATUS, _PLACEMENTS):
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("imaging", "0004_finding_and_reading")]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunSQL(_VACUUM, _NO_VACUUM),
    ]
