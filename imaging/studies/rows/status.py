"""The one word for what a reader may expect of a study: arriving, complete, or in need of attention.

It is kept on the row and on its placements, never worked out when a list is read: whoever changes what it follows from
tells it here.
"""

from collections.abc import Iterable
from typing import Final

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q

from imaging.events.models import Job
from imaging.studies.models import Study

# Rows are locked first, by a statement of its own: the next one then sees what the others wrote who held them.
_LOCK: Final = """
    SELECT FROM imaging_study WHERE study_instance_uid = ANY(%s) ORDER BY study_instance_uid FOR NO KEY UPDATE
"""
# As `placement` does, so that nobody waits in a circle.
_LOCK_PLACES: Final = """
    SELECT FROM imaging_placement AS placement JOIN imaging_study AS study ON study.id = placement.study_id
    WHERE study_instance_uid = ANY(%s) ORDER BY placement.id FOR NO KEY UPDATE OF placement
"""
_REFRESH: Final = """
    WITH found AS (
        SELECT id, CASE
            WHEN EXISTS (SELECT FROM imaging_instanceversion version JOIN imaging_instance instance
                         ON instance.id = version.instance_id
                         WHERE instance.study_id = study.id AND version.state = 'conflicting')
              OR EXISTS (SELECT FROM imaging_job job
                         WHERE job.study_instance_uid = study.study_instance_uid AND job.state = 'failed')
            THEN 'attention' WHEN settled_at IS NULL THEN 'arriving' ELSE 'complete' END AS now
        FROM imaging_study study WHERE study_instance_uid = ANY(%s)
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
            cursor.execute(_LOCK, [uids])
            cursor.execute(_LOCK_PLACES, [uids])
            cursor.execute(_REFRESH, [uids])


def heed_steps(study_instance_uids: Iterable[str]) -> None:
    """Follow what became of a step of these studies: one that has failed asks for attention, one that was made good no more."""
    failed = Job.objects.filter(study_instance_uid=OuterRef("study_instance_uid"), state=Job.State.FAILED)
    concerned = Study.objects.filter(
        Q(status=Study.Status.ATTENTION) | Exists(failed), study_instance_uid__in=set(study_instance_uids)
    )
    refresh(concerned.values_list("study_instance_uid", flat=True))


def heed_failures() -> None:
    """Find the studies of which a step has failed unseen, because the process that ran it died."""
    failed = Job.objects.filter(state=Job.State.FAILED).exclude(study_instance_uid="")
    unseen = Study.objects.filter(study_instance_uid__in=failed.values("study_instance_uid"))
    refresh(unseen.exclude(status=Study.Status.ATTENTION).values_list("study_instance_uid", flat=True))
