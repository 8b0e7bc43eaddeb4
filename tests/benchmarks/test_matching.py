"""What matching adds to ingest: the work of registering studies and following their events, with and without it.

Each study comes with an accession number among 50,000 requests, and one of two answers one of them. What is measured is the
processor's time of all that ingest does until pictures are drawn, which matching does not touch.
"""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Department
from imaging.ingest import registrar
from imaging.ingest import services as ingest
from imaging.ingest.source import Source
from imaging.orders.matching import services
from imaging.orders.models import ExamRequest, StudyLink
from imaging.studies.models import Patient, Study
from tests.benchmarks.timing import spent, verdict
from tests.factories import arrivals
from tests.factories.exam_requests import procedure
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db

MOST_ADDED = 0.05
_REQUESTS = 50_000
_STUDIES = 40
_SLICES = 50


@pytest.fixture
def requests(emergency: Department, orthopaedics: Department) -> None:
    """Fifty thousand requests for a thousand patients."""
    now, exam = timezone.now(), procedure()
    issuer = emergency.site.issuer_of_patient_id
    patients = Patient.objects.bulk_create(
        Patient(patient_id=f"P{number}", issuer_of_patient_id=issuer, patient_name=f"Name{number}^A")
        for number in range(1000)
    )
    ExamRequest.objects.bulk_create(
        (
            ExamRequest(
                state=ExamRequest.State.SCHEDULED,
                patient=patients[number % 1000],
                procedure=exam,
                requesting_department=orthopaedics,
                performing_department=emergency,
                accession_number=f"R{number}",
                requested_at=now - timedelta(minutes=number),
                scheduled_for=now,
            )
            for number in range(_REQUESTS)
        ),
        batch_size=5000,
    )


def _sent(studies: range) -> dict[str, list[bytes]]:
    """What a modality sends, by study."""
    sent = {}
    for number in studies:
        study_uid, series_uid = arrivals.uid(), arrivals.uid()
        sent[study_uid] = [
            arrivals.encoded(
                arrivals.dataset(
                    StudyInstanceUID=study_uid,
                    SeriesInstanceUID=series_uid,
                    InstanceNumber=slice_number,
                    PatientID=f"P{number}",
                    PatientName=f"Name{number}^A",
                    PatientBirthDate="",
                    AccessionNumber=f"R{number}" if number % 2 else f"X{number}",
                    StudyDate=timezone.now().strftime("%Y%m%d"),
                )
            )
            for slice_number in range(_SLICES)
        ]
    return sent


def _ingest(sent: dict[str, list[bytes]], department: Department) -> None:
    """Take in what was sent: spooled, registered."""
    source = Source(door="dimse", sender="CT1", address="10.0.0.9", department_ids=(department.pk,))
    for content in (content for slices in sent.values() for content in slices):
        arrivals.hand_over(content, source)
    registrar.drain(ingest.spool())


def _match(uids: Iterable[str]) -> None:
    """Once with the first images, once more while they come, and once when they are complete."""
    for uid in uids:
        services.match_study(uid)
        services.match_study(uid)
        Study.objects.filter(study_instance_uid=uid).update(settled_at=timezone.now())
        services.match_study(uid, is_complete=True)


def test_matching_adds_at_most_a_twentieth_to_ingest(
    archive: Archive, requests: None, capsys: pytest.CaptureFixture[str]
) -> None:
    first, sent = _sent(range(900, 905)), _sent(range(_STUDIES))
    _ingest(first, archive.department)
    _match(first)
    without = spent(lambda: _ingest(sent, archive.department))
    matching = spent(lambda: _match(sent))
    added = matching.cpu / without.cpu
    with capsys.disabled():
        print(
            f"\n{verdict(added <= MOST_ADDED)} matching among {_REQUESTS} requests adds {added:.1%} to the ingest of"
            f" {_STUDIES} studies of {_SLICES} images (processor {matching.cpu:.2f} s and {without.cpu:.2f} s;"
            f" clock {matching.clock:.2f} s and {without.clock:.2f} s; {matching.cpu / _STUDIES * 1000:.1f} ms a study)"
        )
    assert StudyLink.objects.filter(study__study_instance_uid__in=sent).count() == _STUDIES // 2
    assert added <= MOST_ADDED
