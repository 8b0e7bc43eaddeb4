"""DCMTK sends what was asked for: the study finds its request by itself, or waits for a person, never at another patient's."""

import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Department, User
from accounts.roles import Role
from imaging import queues
from imaging.dimse import listener
from imaging.dimse.admission import Admission
from imaging.dimse.server import Server
from imaging.events.models import Event
from imaging.ingest import registrar, services
from imaging.ingest.models import ApplicationEntity
from imaging.orders.models import ExamRequest, StudyLink, UnmatchedStudy
from imaging.pipeline import steps
from imaging.reports.models import ReadingItem
from imaging.studies.models import Patient, Study
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.exam_requests import booked, exam_request
from tests.imaging.rendering.conftest import Pool
from tests.peers import Peer

pytestmark = [pytest.mark.conformance, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def port(data_dir: Path, settings: Any, emergency: Department, decoders: Pool) -> Iterator[int]:
    """Our listener, which knows the room's machine as one of emergency's."""
    settings.SPOOL_RESERVE = lambda _total: 0
    settings.STUDY_QUIET_SECONDS = 600
    ApplicationEntity.objects.create(ae_title="STORESCU").departments.set([emergency])
    admission = Admission(ae_title="NEGATOSCOPE", is_demo=False)
    admission.start()
    server = Server(listener.bind("127.0.0.1", 0), ae_title="NEGATOSCOPE", admission=admission)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield server.server_address[1]
    server.stop(timedelta(seconds=5))
    admission.stop()


@pytest.fixture
def asked(emergency: Department, orthopaedics: Department, bob: User) -> ExamRequest:
    """Bob of orthopaedics asks emergency's room for a CT of Hélène Durand, who is known here."""
    patient = Patient.objects.create(
        patient_id="P1",
        issuer_of_patient_id=emergency.site.issuer_of_patient_id,
        patient_name="Durand^Hélène",
        birth_date="1970-01-02",
        sex="F",
    )
    made = exam_request(
        asking=orthopaedics,
        performing=emergency,
        patient=patient,
        requester=bob,
        priority=0,
        accession_number="RIS4711",
    )
    booked(made)
    return made


def send(peer: Peer, port: int, folder: Path, *datasets: Any) -> None:
    files = []
    for number, made in enumerate(datasets):
        path = folder / f"{number}.dcm"
        path.write_bytes(arrivals.encoded(made))
        files.append(str(path))
    command = [str(peer("storescu")), "-aec", "NEGATOSCOPE", "localhost", str(port), *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert registrar.drain(services.spool()).registered == len(files)


def work() -> None:
    """What the workers do, until nothing is due."""
    while any([steps.drain(), steps.run_next(queues.SHORT), steps.run_next(queues.LONG)]):
        pass


def images_are_complete() -> None:
    """The machine has been quiet for long enough."""
    Event.objects.filter(drained_at=None).update(due_at=timezone.now())
    work()


def test_a_study_with_the_number_of_its_request_attaches_by_itself(
    port: int, peer: Peer, tmp_path: Path, asked: ExamRequest, bob: User, client: Client
) -> None:
    study_uid, series_uid = arrivals.uid(), arrivals.uid()
    slices = [
        arrivals.dataset(
            StudyInstanceUID=study_uid, SeriesInstanceUID=series_uid, InstanceNumber=number, AccessionNumber="RIS4711"
        )
        for number in (1, 2, 3)
    ]
    client.force_login(bob)
    send(peer, port, tmp_path, *slices[:1])
    assert client.get(f"/studies/{study_uid}/").status_code == 404
    work()
    asked.refresh_from_db()
    assert asked.state == "in_progress"
    assert client.get(f"/studies/{study_uid}/").status_code == 200
    send(peer, port, tmp_path, *slices[1:])
    images_are_complete()
    asked.refresh_from_db()
    assert asked.state == "completed"
    assert StudyLink.objects.get().basis == "accession"
    item = ReadingItem.objects.get(study__study_instance_uid=study_uid)
    assert (item.priority, item.asked_by_id, item.accession_number) == (0, bob.pk, "RIS4711")
    assert item.clinical_question == "Pneumonia?"
    assert "Pneumonia?" in client.get(f"/studies/{study_uid}/").content.decode()


def test_a_study_sent_under_the_wrong_patient_waits_at_the_desk_and_is_seen_by_nobody_who_asked(
    port: int, peer: Peer, tmp_path: Path, asked: ExamRequest, bob: User, emergency: Department, client: Client
) -> None:
    wrong = arrivals.dataset(AccessionNumber="RIS4711", PatientID="P2", PatientName="Martin^Paul")
    send(peer, port, tmp_path, wrong)
    images_are_complete()
    asked.refresh_from_db()
    assert asked.state == "scheduled"
    assert not StudyLink.objects.exists()
    waiting = UnmatchedStudy.objects.get()
    assert (waiting.why, waiting.candidate_id) == ("other_patient", asked.pk)
    client.force_login(bob)
    assert client.get(f"/studies/{wrong.StudyInstanceUID}/").status_code == 404
    rita = UserFactory.create(username="rita")
    MembershipFactory.create(user=rita, department=emergency, role=Role.RADIOGRAPHER)
    client.force_login(rita)
    assert wrong.StudyInstanceUID in client.get("/reconcile/").content.decode()
    client.post(
        f"/reconcile/studies/{wrong.StudyInstanceUID}/link",
        {"request": str(asked.key), "reason": "wrong worklist entry", "seen": "", "corrects": "1"},
    )
    images_are_complete()
    asked.refresh_from_db()
    assert asked.state == "completed"
    assert Study.objects.get().patient_id == asked.patient_id
    client.force_login(bob)
    page = client.get(f"/studies/{wrong.StudyInstanceUID}/")
    assert page.status_code == 200
    assert "Durand" in page.content.decode()
    found = client.get("/", {"q": "Martin"}).content.decode()
    assert wrong.StudyInstanceUID not in found
