"""The work that is done for studies, as far as a reader may see them: which jobs there are, and trying one again."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from accounts import audit
from accounts.actor import Actor
from accounts.roles import Right
from accounts.scope import Scope
from imaging.events import jobs
from imaging.events.models import Job
from imaging.studies.models import Study
from imaging.studies.rows import status


def jobs_of(scope: Scope, *, states: Iterable[str] = (), study_instance_uid: str = "") -> QuerySet[Job]:
    """The jobs of the studies that ``scope`` may view, of one study where it is named; in these states, if any are given."""
    seen = Study.objects.visible_to(scope, Right.VIEW).filter(study_instance_uid=OuterRef("study_instance_uid"))
    rows = Job.objects.filter(Exists(seen))
    wanted = list(states)
    if wanted:
        rows = rows.filter(state__in=wanted)
    return rows.filter(study_instance_uid=study_instance_uid) if study_instance_uid else rows


def retry_job(job: Job, study: Study, *, actor: Actor) -> bool:
    """Queue one failed job of a study again, as a person or machine that may write to the study asked.

    False when it is not failed any more: then nothing changes.
    """
    with transaction.atomic():
        if not jobs.retry(job_ids=[job.pk]):
            return False
        audit.record(
            audit.Action.STEP_RETRIED,
            actor=actor,
            subject_type="study",
            subject_uid=study.study_instance_uid,
            patient_id=study.patient.patient_id,
            issuer_of_patient_id=study.patient.issuer_of_patient_id,
            detail={"step": job.step},
        )
    return True


def cancel_jobs(job_ids: Iterable[int], *, actor: Actor) -> int:
    """Drop jobs that wait or run, of any studies, as an administrator asked. How many there were.

    A study of which a failed step was being tried again needs no attention any more: its status is worked out anew.
    """
    with transaction.atomic():
        living = Job.objects.filter(id__in=list(job_ids), state__in=(Job.State.WAITING, Job.State.RUNNING))
        rows = dict(living.values_list("pk", "study_instance_uid"))
        for uid in sorted(set(rows.values())):
            audit.record(
                audit.Action.STEP_CANCELLED, actor=actor, subject_type="study", subject_uid=uid, detail={"via": "admin"}
            )
        count = jobs.cancel(job_ids=rows)
        status.heed_steps(uid for uid in rows.values() if uid)
    return count
