"""An administrator sees the jobs, tries the failed ones again and cancels others; nobody edits a row."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.audit.models import AuditEvent
from accounts.models import User
from imaging import queues
from imaging.events import jobs
from imaging.events.models import Job
from imaging.studies import services as studies
from imaging.studies.models import Placement, Study
from tests.factories import arrivals
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root", "root@example.org", "a long password"))
    return client


def failed_job() -> Job:
    jobs.enqueue([jobs.Ask("thumbnails", "1.2", "1.9")])
    claimed = jobs.claim(queues.SHORT)
    assert claimed is not None
    jobs.fail(claimed, code="decode_failed", final=True)
    return Job.objects.get()


@pytest.mark.parametrize("page", ["imaging_event", "imaging_job", "imaging_rendition"])
def test_the_lists_open(administrator: Client, page: str) -> None:
    failed_job()

    assert administrator.get(reverse(f"admin:{page}_changelist")).status_code == 200


def test_a_job_is_read_and_not_edited(administrator: Client) -> None:
    page = reverse("admin:imaging_job_change", args=[failed_job().pk])

    assert administrator.get(page).status_code == 200
    assert administrator.post(page, {"step": "other"}).status_code == 403
    assert administrator.get(reverse("admin:imaging_job_add")).status_code == 403


@pytest.mark.parametrize(("action", "state"), [("retry", "waiting"), ("cancel", "failed")])
def test_failed_jobs_are_tried_again_and_only_living_ones_cancelled(
    administrator: Client, action: str, state: str
) -> None:
    job = failed_job()

    administrator.post(reverse("admin:imaging_job_changelist"), {"action": action, "_selected_action": [job.pk]})

    job.refresh_from_db()
    assert job.state == state
    assert AuditEvent.objects.filter(action="step.retried", subject_uid="1.9").exists() == (action == "retry")


def test_a_study_whose_last_failed_step_is_cancelled_while_it_is_tried_again_needs_no_attention_any_more(
    administrator: Client, archive: Archive
) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    uid = str(made.StudyInstanceUID)
    Job.objects.all().delete()
    jobs.enqueue([jobs.Ask("thumbnails", uid, uid)])
    claimed = jobs.claim(queues.SHORT)
    assert claimed is not None
    jobs.fail(claimed, code="decode_failed", final=True)
    studies.heed_steps([uid])
    assert Study.objects.get().status == Placement.objects.get().status == "attention"
    job = Job.objects.get()
    changelist = reverse("admin:imaging_job_changelist")
    for action in ("retry", "cancel"):
        administrator.post(changelist, {"action": action, "_selected_action": [job.pk]})
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert Study.objects.get().status == Placement.objects.get().status == "arriving"
    assert AuditEvent.objects.filter(action="step.cancelled", subject_uid=uid).count() == 1
