"""A study that came under the wrong patient is put right in a real browser, shown so, and taken back."""

from typing import Any

import pytest
from playwright.sync_api import expect

from accounts.actor import SYSTEM
from accounts.models import Department, User
from accounts.roles import Role
from imaging.studies import services as studies
from imaging.studies.models import InstanceVersion, Study
from tests.browser.conftest import OpenPage
from tests.browser.test_access_requests import looked_at, opened
from tests.browser.test_pages import as_reader
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def rita(emergency: Department) -> User:
    user = UserFactory.create(username="rita", display_name="Rita Blanc")
    MembershipFactory.create(user=user, department=emergency, role=Role.RADIOGRAPHER)
    return user


@pytest.fixture
def wrong(data_dir: Any, emergency: Department) -> Study:
    """A study of Benali's that is Kovačević's, who has one of their own."""
    people = {"10RG2": "Benali^Samir", "77": "Kovačević^Luka"}
    made = [
        arrivals.dataset(PatientID=number, PatientName=name, PatientBirthDate="19880422", PatientSex="M")
        for number, name in people.items()
    ]
    for one in made:
        studies.register([arrivals.incoming(one, data_dir / "arrived", emergency)], actor=SYSTEM)
    return Study.objects.get(study_instance_uid=made[0].StudyInstanceUID)


def test_a_study_of_the_wrong_patient_is_put_right_and_taken_back(
    wrong: Study, rita: User, open_page: OpenPage
) -> None:
    digest = InstanceVersion.objects.get(instance__study=wrong).stored_object.file_sha256
    page = opened(open_page, as_reader(rita, "en", "dark"))
    page.goto(f"/repair/{wrong.study_instance_uid}/")
    page.fill("#repair-reason", "Wrong line of the worklist")
    page.locator("summary", has_text="Merge patients").click()
    page.get_by_label("Who remains: MRN or name").press_sequentially("kovac")
    expect(page.locator("#repair-merges").get_by_text("KOVAČEVIĆ")).to_be_visible()
    page.locator("summary", has_text="Correct the patient").click()
    page.get_by_label("MRN or name", exact=True).press_sequentially("kovac")
    page.locator("#repair-patients label", has_text="KOVAČEVIĆ").click()
    looked_at(page, "repair")
    page.locator("button[value=correct]").click()
    expect(page.get_by_text("BENALI").first).to_be_visible()
    looked_at(page, "repair-preview")
    page.locator("#main form .btn-primary").last.click()
    expect(page.locator("#patient-banner, .patient").first).to_contain_text("KOVAČEVIĆ")
    looked_at(page, "repaired")
    page.goto(f"/studies/{wrong.study_instance_uid}/")
    expect(page.locator(".patient").first).to_contain_text("KOVAČEVIĆ")
    assert InstanceVersion.objects.get(instance__study=wrong).stored_object.file_sha256 == digest

    page.goto(f"/repair/{wrong.study_instance_uid}/")
    expect(page.get_by_text("The patient of 1 image was corrected")).to_be_visible()
    looked_at(page, "repair-decided")
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("Taken back.", exact=True)).to_be_visible()
    page.goto(f"/studies/{wrong.study_instance_uid}/")
    expect(page.locator(".patient").first).to_contain_text("BENALI")
