"""Saving a report while it is typed: each save with another word."""

import json
from itertools import count
from typing import Final

import pytest
from django.db import connection
from django.test import Client
from pydicom.dataset import Dataset

from accounts.models import Department
from accounts.roles import Role
from imaging.reports.models import Report, ReportDraft
from imaging.studies.models import Study
from tests.benchmarks.timing import line, spent
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)

#: Seconds.
TARGET: Final = 0.150
_ROUNDS: Final = 200
#: Characters of the section that grows: a long CT report is a tenth of it.
_LONG: Final = 30_000


@pytest.fixture
def writer(emergency: Department) -> Client:
    """A radiologist, signed in."""
    person = UserFactory.create()
    MembershipFactory.create(user=person, department=emergency, role=Role.RADIOLOGIST)
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def study(archive: Archive) -> Study:
    """The study that is reported."""
    made: Dataset = arrivals.dataset()
    archive.receive(made)
    return Study.objects.get(study_instance_uid=made.StudyInstanceUID)


@pytest.mark.parametrize("length", [2_000, _LONG])
def test_a_save_while_it_is_typed(writer: Client, study: Study, length: int) -> None:
    revision, words = 0, count()
    address = f"/reports/{study.study_instance_uid}/draft"

    def save() -> None:
        nonlocal revision
        text = f"{'Lungs clear. ' * (length // 13)} {next(words)}"
        body = {
            "sections": [
                {"code": "findings", "title": "Findings", "text": text},
                {"code": "impression", "title": "Impression", "text": "No acute abnormality."},
            ],
            "revision": revision,
            "language": "en",
            "template": "",
        }
        answer = writer.put(address, json.dumps(body), content_type="application/json")
        assert answer.status_code == 200, answer.content
        revision = answer.json()["revision"]

    save()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    times = [spent(save) for _round in range(_ROUNDS)]
    said = line(f"a save of a report of {length:,} characters", times, TARGET)
    print("\n" + said)
    assert said.startswith("met")
    assert ReportDraft.objects.get().revision == _ROUNDS + 1
    assert Report.objects.count() == 1
