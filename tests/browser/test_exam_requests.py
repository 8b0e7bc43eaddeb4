"""Asking for an exam in a real browser: draft, safety, the warning of a similar exam, another tab, and the way of the request."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.actor import SYSTEM
from accounts.models import Department, User
from accounts.roles import Role
from imaging.orders import transitions
from imaging.orders.catalogue import services as catalogue
from imaging.orders.models import ExamRequest
from imaging.orders.transitions import By
from imaging.orders.workflow import State, Step
from imaging.studies import services as studies
from imaging.studies.models import Study
from imaging.studies.rows.incoming import PlannedPlacement
from tests.browser.conftest import OpenPage, until
from tests.browser.test_access_requests import looked_at, opened
from tests.browser.test_pages import as_reader
from tests.factories import arrivals
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def head(data_dir: Any, emergency: Department) -> Study:
    """A CT of the head that radiology made two hours ago for emergency, and the catalogue that knows of it."""
    catalogue.load_starter(actor=SYSTEM)
    radiology = DepartmentFactory.create(code="radiology", name="Radiology", name_fr="Radiologie", site=emergency.site)
    MembershipFactory.create(user=UserFactory.create(username="paul"), department=radiology, role=Role.RADIOLOGIST)
    at = timezone.localtime() - dt.timedelta(hours=2)
    made = arrivals.dataset(
        PatientName="Nadeau^Philippe",
        PatientSex="M",
        PatientBirthDate="19550202",
        BodyPartExamined="HEAD",
        StudyDate=f"{at:%Y%m%d}",
        StudyTime=f"{at:%H%M%S}",
        StudyDescription="Head without contrast",
    )
    studies.register([arrivals.incoming(made, data_dir / "arrived", radiology)], actor=SYSTEM)
    found = Study.objects.get(study_instance_uid=made.StudyInstanceUID)
    studies.place_study(found, PlannedPlacement(emergency.pk, "requesting", "rule"), actor=SYSTEM)
    return found


def test_an_exam_is_asked_for_from_the_patient_to_the_answer(head: Study, alice: User, open_page: OpenPage) -> None:
    page = opened(open_page, as_reader(alice, "en", "dark"))
    page.goto("/requests/")
    looked_at(page, "requests-empty")
    page.get_by_role("link", name="Ask for an exam").click()
    page.get_by_label("Name or patient ID").fill("nadeau")
    expect(page.get_by_role("button", name="Choose NADEAU Philippe")).to_be_visible()
    looked_at(page, "request-new")
    page.get_by_role("button", name="Choose NADEAU Philippe").click()

    page.get_by_label("What", exact=True).fill("tete inject")
    page.get_by_label("What", exact=True).fill("brain metast")
    page.get_by_role("radio", name="CT head with contrast").first.check()
    expect(page.get_by_role("heading", name="Safety for CT head with contrast")).to_be_visible()
    expect(page.get_by_text("A similar exam was made on")).to_be_visible()
    page.get_by_label("Clinical question").fill("New weakness of the right arm. Ischaemia?")
    request = until(
        lambda: ExamRequest.objects.filter(clinical_question__startswith="New weakness").first(), "the draft is kept"
    )
    assert request.state == State.DRAFT
    page.get_by_text("STAT", exact=True).click()
    page.get_by_role("button", name="Check and send").click()
    expect(page.get_by_text("Not sent yet")).to_be_visible()
    looked_at(page, "request-missing")

    page.get_by_label("Why it is urgent").fill("Stroke pathway")
    allergy = page.get_by_role("radiogroup", name="A reaction to an iodine contrast agent before?")
    allergy.get_by_text("Yes").click()
    page.get_by_label("What exactly?").first.fill("Urticaria in 2019")
    for question in ("Does the patient take metformin?", "Overactive thyroid"):
        page.get_by_role("radiogroup", name=question).get_by_text("No", exact=True).click()
    page.get_by_role("button", name="Check and send").click()
    expect(page.get_by_text("Sent. Its accession number is")).to_be_visible()
    looked_at(page, "request")

    transitions.take(request.key, Step.RETURN, by=By(SYSTEM), reason="Since when exactly?")
    expect(page.get_by_text("Since when exactly?").first).to_be_visible(timeout=15_000)
    page.reload()
    page.get_by_label("Text").fill("Since five this morning")
    page.get_by_role("button", name="Answer, and let it go on").click()
    expect(page.get_by_text("Answered. The request goes on.")).to_be_visible()
    request.refresh_from_db()
    assert request.state == State.REQUESTED
    page.goto(f"/requests/{request.key}/slip?lang=fr")
    looked_at(page, "request-slip")


def test_of_two_tabs_the_second_is_told_and_what_it_typed_stays(head: Study, alice: User, open_page: OpenPage) -> None:
    first = opened(open_page, as_reader(alice, "en", "light"))
    first.goto(f"/studies/{head.study_instance_uid}/")
    first.get_by_role("button", name="Ask for an exam").click()
    expect(first.get_by_label("Clinical question")).to_be_visible()
    second = first.context.new_page()
    second.goto(first.url)

    first.get_by_label("Clinical question").fill("typed in the first tab")
    expect(first.get_by_text("Draft kept")).to_be_visible()
    second.get_by_label("Clinical question").fill("typed in the second tab")
    expect(second.get_by_text("Somebody has changed this request meanwhile")).to_be_visible()
    expect(second.get_by_label("Clinical question")).to_have_value("typed in the second tab")
    assert ExamRequest.objects.get().clinical_question == "typed in the first tab"
    second.get_by_role("button", name="Keep mine").click()
    until(lambda: ExamRequest.objects.get().clinical_question == "typed in the second tab", "the second one's is kept")


def test_what_was_typed_when_the_page_was_closed_is_kept(head: Study, alice: User, open_page: OpenPage) -> None:
    page = opened(open_page, as_reader(alice, "en", "dark"))
    page.goto(f"/studies/{head.study_instance_uid}/")
    page.get_by_role("button", name="Ask for an exam").click()
    page.get_by_label("Clinical question").press_sequentially("Closed while typing")
    page.close(run_before_unload=False)
    until(lambda: ExamRequest.objects.get().clinical_question == "Closed while typing", "the last words are kept")
