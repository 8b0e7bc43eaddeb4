"""Handing objects over, trying again, repeating a request whose answer was lost, and asking too often."""

import io
import threading
import zipfile
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.idempotency import services as idempotency
from accounts.models import Department, KeyedRequest, User
from accounts.roles import Role
from accounts.services import IssuedKey
from imaging.api import repetition
from imaging.events.models import Job
from imaging.ingest import turnstile
from imaging.studies.models import Instance, Study
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, issue_machine_key
from tests.imaging.api.conftest import API, Program
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)


def sent(
    program: Program, content: bytes, media_type: str = "application/dicom", query: str = "", **headers: str
) -> Any:
    return program.post(f"/uploads{query}", data=content, content_type=media_type, headers=headers)


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return packed.getvalue()


def test_an_object_is_kept_placed_and_found(program: Program, archive: Archive) -> None:
    made = arrivals.dataset()
    answer = sent(program, arrivals.encoded(made), query="?department=emergency")
    assert answer.status_code == 200, answer.content
    assert answer.json()["kept"] == 1
    assert answer.json()["objects"][0]["sop_instance_uid"] == made.SOPInstanceUID
    assert answer.json()["objects"][0]["outcome"] == "kept"
    study = program.get(f"/studies/{made.StudyInstanceUID}").json()
    assert study["departments"] == ["emergency"]
    again = sent(program, arrivals.encoded(made))
    assert again.json() == answer.json()
    assert Instance.objects.count() == 1


def test_of_a_zip_each_object_is_told(program: Program, archive: Archive) -> None:
    first, second = arrivals.dataset(), arrivals.dataset()
    content = zipped(
        a_dcm=arrivals.encoded(first), b_dcm=arrivals.encoded(second), broken_dcm=b"no object", notes_txt=b"hello"
    )
    answer = sent(program, content, "application/zip").json()
    assert (answer["kept"], answer["refused"]) == (2, 1)
    assert {one["path"]: one["outcome"] for one in answer["objects"]} == {
        "a.dcm": "kept",
        "b.dcm": "kept",
        "broken.dcm": "refused",
    }
    assert Study.objects.count() == 2


@pytest.mark.parametrize(
    ("content", "media_type"),
    [(b"nothing of ours", "application/dicom"), (b"no zip", "application/zip"), (zipped(), "application/zip")],
)
def test_what_cannot_be_stored_is_told_with_its_reason(
    program: Program, archive: Archive, content: bytes, media_type: str
) -> None:
    answer = sent(program, content, media_type)
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("#not-stored")
    assert not Study.objects.exists()


def test_what_another_department_holds_is_not_told_to_the_sender(
    program: Program, archive: Archive, orthopaedics: Department
) -> None:
    theirs = arrivals.dataset()
    archive.receive(theirs, department=orthopaedics)
    joining = arrivals.dataset(StudyInstanceUID=theirs.StudyInstanceUID)
    joined, new = sent(program, arrivals.encoded(joining)), sent(program, arrivals.encoded(arrivals.dataset()))
    assert joined.json()["objects"][0]["outcome"] == new.json()["objects"][0]["outcome"] == "kept"
    assert program.get(f"/studies/{theirs.StudyInstanceUID}").status_code == 404
    assert Instance.objects.filter(study__study_instance_uid=theirs.StudyInstanceUID).count() == 1


def test_a_department_that_is_not_the_sender_s_is_refused(program: Program, archive: Archive) -> None:
    answer = sent(program, arrivals.encoded(arrivals.dataset()), query="?department=orthopaedics")
    assert answer.status_code == 400
    assert not Study.objects.exists()


def test_a_person_hands_over_with_the_capability_to_upload_and_a_token(alice: User, archive: Archive) -> None:
    person = Client(enforce_csrf_checks=True)
    person.force_login(alice)
    token = "x" * 32
    person.cookies[settings.CSRF_COOKIE_NAME] = token
    content = arrivals.encoded(arrivals.dataset())
    sent_as = (("application/dicom", content), ("application/zip", zipped(a_dcm=content)))
    for wrong in ({}, {"X-CSRFToken": "y" * 32}, {"X-CSRFToken": "short"}, {"X-CSRFToken": "é" * 32}):
        for media_type, body in (*sent_as, ("text/plain", b"x"), ("multipart/form-data; boundary=x", b"--x--")):
            answer = person.post(f"{API}/uploads", data=body, content_type=media_type, headers=wrong)
            assert answer.status_code == 403, (media_type, wrong)
            assert answer.json()["type"] == "/api/docs/problems#not-proven"
    form = {"csrfmiddlewaretoken": token}
    assert person.post(f"{API}/uploads", data=form).status_code == 403, "in the header alone"
    assert not Study.objects.exists()
    for media_type, body in sent_as:
        answer = person.post(f"{API}/uploads", data=body, content_type=media_type, headers={"X-CSRFToken": token})
        assert (answer.status_code, answer.json()["kept"]) == (200, 1)
    assert person.get(f"{API}/uploads").json()["results"] == []


def test_a_repetition_is_done_once_and_answered_alike(program: Program, archive: Archive) -> None:
    content = arrivals.encoded(arrivals.dataset())
    key = {"Idempotency-Key": "delivery-1"}
    first, second = sent(program, content, **key), sent(program, content, **key)
    assert first.status_code == second.status_code == 200
    assert first.content == second.content
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"
    other = sent(program, arrivals.encoded(arrivals.dataset()), **key)
    assert other.status_code == 422
    assert other.json()["type"].endswith("#key-used-otherwise")
    elsewhere = sent(program, content, query="?department=emergency", **key)
    assert elsewhere.status_code == 422


def test_a_repeated_zip_is_not_taken_in_again(program: Program, archive: Archive) -> None:
    content, key = zipped(a_dcm=arrivals.encoded(arrivals.dataset())), {"Idempotency-Key": "zip"}
    first, second = (sent(program, content, "application/zip", **key) for _ in range(2))
    assert (first.status_code, second["Idempotency-Replayed"]) == (200, "true")
    assert first.content == second.content


def test_a_key_is_its_sender_s_own(program: Program, archive: Archive, orthopaedics: Department) -> None:
    content = arrivals.encoded(arrivals.dataset())
    assert sent(program, content, **{"Idempotency-Key": "k"}).status_code == 200
    other = Program(Client(), issue_machine_key(orthopaedics, name="other").plaintext)
    answer = sent(other, content, **{"Idempotency-Key": "k"})
    assert "Idempotency-Replayed" not in answer


def test_a_request_at_work_is_not_begun_twice_and_one_that_died_is(
    program: Program, archive: Archive, machine: IssuedKey
) -> None:
    content = arrivals.encoded(arrivals.dataset())
    sent(program, content, **{"Idempotency-Key": "k"})
    later = timezone.now() + idempotency.AT_WORK
    KeyedRequest.objects.update(status=None, working_until=later)
    answer = sent(program, content, **{"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["type"]) == (409, "/api/docs/problems#being-answered")
    KeyedRequest.objects.update(working_until=timezone.now())
    assert sent(program, content, **{"Idempotency-Key": "k"}).status_code == 200


def test_what_was_refused_before_anything_was_done_leaves_its_key(program: Program, archive: Archive) -> None:
    assert sent(program, b"x", "text/plain", **{"Idempotency-Key": "k"}).status_code == 415
    assert sent(program, arrivals.encoded(arrivals.dataset()), **{"Idempotency-Key": "k"}).status_code == 200
    assert sent(program, b"x", **{"Idempotency-Key": "é" * 3}).status_code == 400


def test_a_refusal_leaves_its_key_for_the_request_once_it_may_be_carried_out(
    program: Program, failed: Job, archive: Archive, emergency: Department, machine: IssuedKey
) -> None:
    """Who is given the right, or mends the request, need not wait for a day."""
    key = {"Idempotency-Key": "k"}
    machine.key.departments.clear()
    assert program.post(f"/jobs/{failed.pk}/retry", headers=key).status_code == 404
    machine.key.departments.add(emergency)
    assert program.post(f"/jobs/{failed.pk}/retry", headers=key).status_code == 202
    again = program.post(f"/jobs/{failed.pk}/retry", headers=key)
    assert (again.status_code, again["Idempotency-Replayed"]) == (202, "true")
    mended = {"Idempotency-Key": "m"}
    assert sent(program, b"nothing of ours", **mended).status_code == 422
    assert sent(program, arrivals.encoded(arrivals.dataset()), **mended).status_code == 200


def test_a_key_is_held_while_a_long_zip_is_taken_in(
    program: Program, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease of who works is renewed with each file, not only while the body arrives."""
    renewed: list[str] = []
    read, keep = repetition.Body.read, idempotency.keep

    def noted_read(body: repetition.Body, size: int = -1, /) -> bytes:
        chunk = read(body, size)
        renewed.append("read")
        return chunk

    def noted_keep(claim: idempotency.Claim) -> None:
        keep(claim)
        renewed.append("kept")

    monkeypatch.setattr(repetition, "_RENEWED", -1.0)
    monkeypatch.setattr(repetition.Body, "read", noted_read)
    monkeypatch.setattr(idempotency, "keep", noted_keep)
    content = zipped(a_dcm=arrivals.encoded(arrivals.dataset()), b_dcm=arrivals.encoded(arrivals.dataset()))
    assert sent(program, content, "application/zip", **{"Idempotency-Key": "k"}).json()["kept"] == 2
    # Each reading renews it too.
    assert renewed.count("kept") >= renewed.count("read") + 4


def test_a_repetition_takes_its_turn_among_the_bodies(
    program: Program, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its whole body is read to be compared, which may take as long as the first time."""
    content, key = arrivals.encoded(arrivals.dataset()), {"Idempotency-Key": "k"}
    assert sent(program, content, **key).status_code == 200
    with monkeypatch.context() as crowded:
        crowded.setattr(turnstile, "_turns", threading.BoundedSemaphore(1))
        with turnstile.passed():
            refused = sent(program, content, **key)
    assert (refused.status_code, refused["Retry-After"]) == (503, str(turnstile.RETRY_AFTER))
    assert sent(program, content, **key)["Idempotency-Replayed"] == "true"


def test_a_day_later_a_key_is_forgotten(program: Program, archive: Archive) -> None:
    sent(program, arrivals.encoded(arrivals.dataset()), **{"Idempotency-Key": "k"})
    assert idempotency.prune() == 0
    KeyedRequest.objects.update(expires_at=timezone.now())
    assert idempotency.prune() == 1


@pytest.fixture
def failed(archive: Archive) -> Job:
    """A step of a study of emergency that was given up."""
    made = arrivals.dataset()
    archive.receive(made)
    return Job.objects.create(
        step="previews",
        subject_uid=made.StudyInstanceUID,
        study_instance_uid=made.StudyInstanceUID,
        queue=Job.Queue.SHORT,
        state=Job.State.FAILED,
        attempts=5,
        problem_code="worker_lost",
        due_at=timezone.now(),
        finished_at=timezone.now(),
    )


def test_a_failed_job_is_a_problem_and_can_be_tried_again(program: Program, failed: Job) -> None:
    problem = program.get("/problems").json()["results"]
    assert [(one["kind"], one["code"], one["what"]) for one in problem] == [("step_failed", "worker_lost", "previews")]
    seen = program.get(f"/jobs/{failed.pk}")
    assert seen.json()["state"] == "failed"
    stale = program.post(f"/jobs/{failed.pk}/retry", headers={"If-Match": '"another"'})
    assert (stale.status_code, stale.json()["type"]) == (412, "/api/docs/problems#changed-meanwhile")
    answer = program.post(f"/jobs/{failed.pk}/retry", headers={"If-Match": seen["ETag"]})
    assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
    assert AuditEvent.objects.filter(action=Action.STEP_RETRIED).count() == 1
    assert program.post(f"/jobs/{failed.pk}/retry", headers={"If-Match": seen["ETag"]}).status_code == 412
    assert program.get("/problems").json()["results"] == []
    assert program.get("/jobs?state=waiting").json()["results"][0]["id"] == failed.pk


def test_a_job_of_others_is_as_good_as_absent(archive: Archive, orthopaedics: Department, failed: Job) -> None:
    other = Program(Client(), issue_machine_key(orthopaedics, name="other").plaintext)
    assert other.get(f"/jobs/{failed.pk}").status_code == 404
    assert other.post(f"/jobs/{failed.pk}/retry").status_code == 404
    assert other.get("/jobs").json()["results"] == []
    assert other.get("/problems").json()["results"] == []


def test_a_second_version_is_a_problem_for_who_may_view(program: Program, archive: Archive) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    made.StudyDescription = "Another"
    archive.receive(made)
    (problem,) = program.get(f"/problems?study_instance_uid={made.StudyInstanceUID}").json()["results"]
    assert (problem["kind"], problem["sop_instance_uid"]) == ("conflict", made.SOPInstanceUID)
    assert program.get("/problems?kind=step_failed").json()["results"] == []


def test_what_waits_in_quarantine_is_told_to_who_decides_and_never_to_machines(
    program: Program, archive: Archive, emergency: Department, orthopaedics: Department
) -> None:
    theirs = arrivals.dataset()
    archive.receive(theirs, department=orthopaedics)
    sent(program, arrivals.encoded(arrivals.dataset(StudyInstanceUID=theirs.StudyInstanceUID)))
    decider = MembershipFactory.create(department=emergency, role=Role.RADIOGRAPHER).user
    browser = Client()
    browser.force_login(decider)
    (problem,) = browser.get(f"{API}/problems").json()["results"]
    assert (problem["kind"], problem["code"]) == ("quarantined", "joins_another_study")
    assert program.get("/problems").json()["results"] == []


def test_who_asks_too_often_is_told_when_to_come_back(program: Program, settings: Any, alice: User) -> None:
    settings.API_READS_PER_MINUTE = 3
    answers = [program.get("/me") for _time in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[3]["Retry-After"]) <= 120
    assert answers[0]["RateLimit-Remaining"] == "2"
    assert answers[3].json()["type"].endswith("#too-many-requests")
    other = Client()
    other.force_login(alice)
    assert other.get(f"{API}/me").status_code == 200


def test_without_the_cache_nobody_is_kept_from_reading(
    program: Program, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "unix:///nowhere/redis.sock",
        }
    }
    settings.API_READS_PER_MINUTE = 1
    assert [program.get("/me").status_code for _time in range(3)] == [200, 200, 200]
    assert len([record for record in caplog.records if "ALARM" in record.message]) == 1
