"""Studies that leave departments: what the change feed tells those who had them.

Two things take a study away from a department. Its placement there ends, by a person's hand or because its time is over:
the row stays until it is taken here, once, and is nobody's meanwhile. Or everything of the study is withdrawn: its
placements stay, for it may come back.
"""

from collections.abc import Iterable
from typing import Final

from django.db import connection
from django.utils import timezone

from imaging.events.changes import Removed
from imaging.studies.rows import granting

_ENDED: Final = """
    DELETE FROM imaging_placement AS placement USING imaging_study AS study
    WHERE study.id = placement.study_id AND placement.id IN (
        SELECT id FROM imaging_placement WHERE until <= %s AND study_id = ANY(%s) ORDER BY id FOR UPDATE SKIP LOCKED)
    RETURNING study.study_instance_uid, placement.sensitivity, placement.department_id
"""
_WITHDRAWN: Final = """
    SELECT study.study_instance_uid, study.sensitivity, placement.department_id
    FROM imaging_study AS study JOIN imaging_placement AS placement ON placement.study_id = study.id
    WHERE study.study_instance_uid = ANY(%s) AND study.instance_count = 0
"""


def take_departures(changed: Iterable[str], *, limit: int = 200) -> list[Removed]:
    """Take the placements that have ended, each once, and find which of the ``changed`` studies are withdrawn.

    Call it in the transaction that tells of it: what is not told is not taken.
    """
    now = timezone.now()
    looked_at = granting.renew_ended(now, limit=limit)
    with connection.cursor() as cursor:
        cursor.execute(_ENDED, [now, looked_at])
        rows = cursor.fetchall()
        uids = sorted(set(changed))
        if uids:
            cursor.execute(_WITHDRAWN, [uids])
            rows += cursor.fetchall()
    left: dict[tuple[str, str], set[int]] = {}
    for uid, sensitivity, department in rows:
        left.setdefault((uid, sensitivity), set()).add(department)
    return [Removed(uid, tuple(sorted(had)), sensitivity) for (uid, sensitivity), had in sorted(left.items())]
