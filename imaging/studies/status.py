"""The one word for what a reader may expect of a study: arriving, complete, or in need of attention.

It is kept on the row and on its placements, never worked out when a list is read: whoever changes what it follows from
tells it here.
"""

from collections.abc import Iterable
from typing import Final

from django.db import connection, transaction

from imaging.studies.models import Study

# The row of the study is locked before its placements, as every writer does.
_REFRESH: Final = """
    WITH asked AS MATERIALIZED (
        SELECT id, settled_at, study_instance_uid, status FROM imaging_study WHERE study_instance_uid = ANY(%s)
        ORDER BY study_instance_uid FOR NO KEY UPDATE
    ), found AS (
        SELECT id, status, CASE
            WHEN EXISTS (SELECT FROM imaging_instanceversion version JOIN imaging_instance instance
                         ON instance.id = version.instance_id
                         WHERE instance.study_id = asked.id AND version.state = 'conflicting')
              OR EXISTS (SELECT FROM imaging_job job
                         WHERE job.study_instance_uid = asked.study_instance_uid AND job.state = 'failed')
            THEN 'attention' WHEN settled_at IS NULL THEN 'arriving' ELSE 'complete' END AS now
        FROM asked
    ), studies AS (
        UPDATE imaging_study SET status = found.now FROM found
        WHERE imaging_study.id = found.id AND imaging_study.status <> found.now
    )
    UPDATE imaging_placement SET status = found.now FROM found
    WHERE imaging_placement.study_id = found.id AND imaging_placement.status <> found.now
"""


def on_arrival(known: str, *, conflicts: bool) -> str:
    """The status of a study to which an object is added; ``conflicts`` says that it was known with other bytes."""
    if conflicts or known == Study.Status.ATTENTION:
        return Study.Status.ATTENTION
    return Study.Status.ARRIVING


def refresh(study_instance_uids: Iterable[str]) -> None:
    """Work the status of these studies out anew, after a conflict, a step or the settling of one has changed."""
    uids = sorted(set(study_instance_uids))
    if uids:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_REFRESH, [uids])
