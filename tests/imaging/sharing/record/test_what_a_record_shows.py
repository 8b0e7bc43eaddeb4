"""A standing link shows what is the patient's own and may be shown this moment, and nothing else."""

import pytest
from django.test import Client

from imaging.studies.models import Study
from tests.factories import arrivals
from tests.imaging.sharing.record.conftest import Giving, come_in
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)


def study_of(archive: Archive, **changes: object) -> Study:
    """Another examination that arrives in the emergency department."""
    made = arrivals.dataset(**changes)
    archive.receive(made)
    return Study.objects.get(study_instance_uid=made.StudyInstanceUID)


def text_of(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_the_patient_sees_examinations_of_today_and_later(
    give: Giving, chest: Study, archive: Archive, outside: Client
) -> None:
    root = come_in(outside, give(chest))
    assert "Chest PA" in text_of(outside, root)
    later = study_of(archive, StudyDescription="Wrist left", PatientName="Durand^Jeanne", PatientBirthDate="19620314")
    page = text_of(outside, root)
    assert "Wrist left" in page
    assert f"/studies/{later.study_instance_uid}/" in page or f"/viewer/{later.study_instance_uid}/" in page
    assert outside.get(f"{root}viewer/{later.study_instance_uid}/manifest.json").status_code == 200


def test_nothing_of_another_patient_is_shown(give: Giving, chest: Study, archive: Archive, outside: Client) -> None:
    other = study_of(archive, PatientID="P2", StudyDescription="Skull of a stranger")
    root = come_in(outside, give(chest))
    assert "Skull of a stranger" not in text_of(outside, root)
    assert outside.get(f"{root}viewer/{other.study_instance_uid}/manifest.json").status_code == 404
