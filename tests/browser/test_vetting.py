"""Vetting with keys and a room's day in a real browser: decided, taken back, told to the second, nothing typed lost."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.actor import SYSTEM
from accounts.models import Department, User
from accounts.roles import Role
from imaging.orders import transitions
from imaging.orders.catalogue import services as catalogue
from imaging.orders.models import ExamRequest, Procedure, Room, ScheduledStep
from imaging.orders.transitions import By
from imaging.orders.workflow import Step
from imaging.studies import services as studies
from imaging.studies.models import Patient
from tests.browser.conftest import PHONE, OpenPage, until
from tests.browser.test_access_requests import looked_at, opened
from tests.browser.test_pages import as_reader
from tests.factories import arrivals
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory
from tests.factories.exam_requests import exam_request

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

ALLERGY = {
    "iodine-allergy": {
        "answer": "yes",
        "more": "Urticaria in 2019",
        "text": "A reaction to an iodine contrast agent before?",
        "text_fr": "Réaction antérieure à un produit de contraste iodé ?",
        "alarming": True,
    },
    "claustrophobia": {"answer": "no", "text": "Claustrophobia?", "text_fr": "Claustrophobie ?", "alarming": False},
}


@pytest.fixture
def radiology(emergency: Department) -> Department:
    catalogue.load_starter(actor=SYSTEM)
    return DepartmentFactory.create(code="radiology", name="Radiology", name_fr="Radiologie", site=emergency.site)


@pytest.fixture
def paul(radiology: Department) -> User:
    user = UserFactory.create(username="paul", display_name="Paul Roy")
    MembershipFactory.create(user=user, department=radiology, role=Role.RADIOLOGIST)
    return user


@pytest.fixture
def rita(radiology: Department) -> User:
    user = UserFactory.create(username="rita", display_name="Rita Blanc")
    MembershipFactory.create(user=user, department=radiology, role=Role.RADIOGRAPHER)
    return user


@pytest.fixture
def nadeau(data_dir: Any, radiology: Department) -> Patient:
    """A patient with a CT of the head of two hours ago."""
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
    return Patient.objects.get(patient_name="Nadeau^Philippe")


@pytest.fixture
def waiting(emergency: Department, radiology: Department, nadeau: Patient) -> list[ExamRequest]:
    """A STAT, an urgent and a routine request, in the order of the list."""
    now = timezone.now()
    common = {"asking": emergency, "performing": radiology, "state": "requested", "scheduled_for": None}
    return [
        exam_request(
            **common,
            patient=nadeau,
            procedure=Procedure.objects.get(code="CT-HEAD-C"),
            clinical_question="New weakness of the right arm since five this morning. Ischaemia, bleeding?",
            priority=0,
            priority_reason="Stroke pathway",
            requested_at=now - dt.timedelta(minutes=12),
            requester_name="Ines Caron",
            safety=ALLERGY,
            transport="bed",
            contact="DECT 4711",
        ),
        exam_request(
            **common,
            typed_name="Lindqvist-Bergström^Anna-Katharina",
            typed_sex="F",
            typed_birth_date=dt.date(1988, 4, 22),
            procedure=Procedure.objects.get(code="CT-CHEST-C"),
            clinical_question="Dyspnoea for two days, D-dimer raised. Embolism?",
            priority=1,
            requested_at=now - dt.timedelta(hours=3),
            requester_name="Ines Caron",
        ),
        exam_request(
            **common,
            typed_name="Durand^Paul",
            typed_sex="M",
            typed_patient_id="77",
            procedure=Procedure.objects.get(code="MR-KNEE"),
            laterality="L",
            clinical_question="Twisted the knee at football, meniscus?",
            requested_at=now - dt.timedelta(days=3),
            requester_name="Ines Caron",
            safety={"claustrophobia": {**ALLERGY["claustrophobia"], "answer": "yes", "alarming": True}},
        ),
    ]


def chosen(page: Page) -> Any:
    return page.locator("#vetting-detail [data-request] h2.patient-mini")


def test_requests_are_vetted_with_keys_alone(waiting: list[ExamRequest], paul: User, open_page: OpenPage) -> None:
    page = opened(open_page, as_reader(paul, "en", "dark"))
    page.goto("/vetting/")
    expect(chosen(page)).to_contain_text("NADEAU")
    expect(page.get_by_text("A similar exam was made on")).to_be_visible()
    expect(page.locator("#vetting-detail").get_by_text("Urticaria in 2019")).to_be_visible()
    looked_at(page, "vetting")

    page.keyboard.press("j")
    expect(chosen(page)).to_contain_text("LINDQVIST")
    page.keyboard.press("r")
    page.keyboard.type("Is she pregnant?")
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    expect(chosen(page)).to_contain_text("NADEAU")
    page.keyboard.press("v")
    until(lambda: ExamRequest.objects.get(pk=waiting[0].pk).state == "vetted", "the STAT one is vetted")

    # What was typed about the other one is still there after the decision.
    expect(chosen(page)).to_contain_text("LINDQVIST")
    expect(page.get_by_label("What has to be known?")).to_have_value("Is she pregnant?")
    page.get_by_label("What has to be known?").focus()
    page.keyboard.press("Control+Enter")
    until(lambda: ExamRequest.objects.get(pk=waiting[1].pk).state == "returned", "the urgent one is returned")
    expect(chosen(page)).to_contain_text("DURAND")
    page.keyboard.press("x")
    page.keyboard.type("Radiograph first")
    looked_at(page, "vetting-refuse")
    page.get_by_role("button", name="Refuse", exact=True).click()
    until(lambda: ExamRequest.objects.get(pk=waiting[2].pk).state == "refused", "the routine one is refused")
    expect(page.get_by_text("Nothing waits to be vetted")).to_be_visible()
    page.keyboard.press("u")
    expect(chosen(page)).to_contain_text("DURAND")
    until(lambda: ExamRequest.objects.get(pk=waiting[2].pk).state == "requested", "the refusal is taken back")
    page.keyboard.press("?")
    expect(page.get_by_text("Vet with the protocol as it stands")).to_be_visible()
    looked_at(page, "vetting-keys")


def test_another_exam_is_chosen_and_vetted(waiting: list[ExamRequest], paul: User, open_page: OpenPage) -> None:
    page = opened(open_page, as_reader(paul, "fr", "light"))
    page.goto(f"/vetting/{waiting[2].key}/")
    expect(chosen(page)).to_contain_text("DURAND")
    looked_at(page, "vetting-fr")
    page.keyboard.press("o")
    page.locator("#vet-exam").select_option("DX-KNEE")
    page.locator("#vet-change").fill("La radiographie d’abord")
    page.keyboard.press("Control+Enter")
    until(lambda: ExamRequest.objects.get(pk=waiting[2].pk).procedure.code == "DX-KNEE", "the exam is changed")
    expect(chosen(page)).to_contain_text("DURAND")


def test_the_second_of_two_is_told_and_what_it_typed_stays(
    waiting: list[ExamRequest], paul: User, open_page: OpenPage
) -> None:
    page = opened(open_page, as_reader(paul, "en", "light"))
    page.goto("/vetting/")
    expect(chosen(page)).to_contain_text("NADEAU")
    page.keyboard.press("x")
    page.keyboard.type("Ultrasound is enough")
    transitions.take(waiting[0].key, Step.VET, by=By(SYSTEM))
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Somebody has changed this request meanwhile: vetted.")).to_be_visible()
    expect(page.get_by_label("Why not, and what instead?")).to_have_value("Ultrasound is enough")
    looked_at(page, "vetting-told")
    assert ExamRequest.objects.get(pk=waiting[0].pk).state == "vetted"


def test_new_requests_appear_by_themselves_and_a_phone_shows_one_thing_at_a_time(
    waiting: list[ExamRequest], paul: User, open_page: OpenPage, emergency: Department, radiology: Department
) -> None:
    page = opened(open_page, as_reader(paul, "fr", "dark"))
    page.set_viewport_size(PHONE)
    page.goto("/vetting/")
    expect(page.locator("#vetting-rows tr")).to_have_count(3)
    expect(page.locator("#vetting-detail")).to_be_hidden()
    exam_request(asking=emergency, performing=radiology, state="requested", typed_name="Nouveau^Zoe", priority=0)
    expect(page.get_by_text("NOUVEAU")).to_be_visible(timeout=15_000)
    page.get_by_role("link", name="DURAND").click()
    expect(chosen(page)).to_contain_text("DURAND")
    expect(page.locator("#vetting-rows")).to_be_hidden()
    looked_at(page, "vetting-phone")


@pytest.fixture
def day(waiting: list[ExamRequest], radiology: Department) -> list[ScheduledStep]:
    """A room with three exams of today: expected, waiting since 25 minutes, and in progress."""
    room = Room.objects.create(code="ct1", name="CT 1", department=radiology, modalities=["CT", "MR"])
    Room.objects.create(code="ct2", name="CT 2", department=radiology, modalities=["CT"])
    midnight = timezone.now().astimezone(room.department.site.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    steps = []
    for number, (request, state) in enumerate(zip(waiting, ("in_progress", "arrived", "scheduled"), strict=True)):
        starts = midnight + dt.timedelta(hours=9, minutes=20 * number)
        ExamRequest.objects.filter(pk=request.pk).update(
            state=state, protocol="Native, then arterial phase", arrived_at=timezone.now() - dt.timedelta(minutes=25)
        )
        status = {"in_progress": "started"}.get(state, state)
        steps.append(
            ScheduledStep.objects.create(
                request=request,
                room=room,
                step_id=f"S{number}",
                modality="CT",
                starts_at=starts,
                ends_at=starts + dt.timedelta(minutes=20),
                status=status,
            )
        )
    return steps


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("fr", "light")])
def test_a_day_of_a_room_is_worked_through_with_keys(
    day: list[ScheduledStep], rita: User, open_page: OpenPage, language: str, theme: str
) -> None:
    page = opened(open_page, as_reader(rita, language, theme))
    page.goto("/exams/")
    expect(page.locator("#exam-rows tr")).to_have_count(3)
    looked_at(page, f"exams-{language}")
    expected = day[2].request

    def state() -> str:
        return ExamRequest.objects.get(pk=expected.pk).state

    for _move in range(3):
        page.keyboard.press("j")
    for letter, after in (("m", "no_show"), ("u", "scheduled"), ("a", "arrived"), ("s", "in_progress")):
        page.keyboard.press(letter)
        until(lambda after=after: state() == after, f"{letter} makes it {after}")
        expect(page.locator(f"tr[data-exam='{expected.key}'][aria-selected=true]")).to_be_visible()
    page.keyboard.press("d")
    reason = page.locator("#exam-reason")
    expect(reason).to_be_visible()
    reason.fill("Machine failed")
    looked_at(page, f"exams-why-{language}")
    page.keyboard.press("Enter")
    until(lambda: state() == "discontinued", "the exam is broken off")
    expect(page.get_by_text("Machine failed")).to_be_visible()
    transitions.take(day[1].request.key, Step.START, by=By(SYSTEM))
    ScheduledStep.objects.filter(pk=day[1].pk).update(status="started")
    expect(page.locator("#exam-rows tr[data-status=started]")).to_have_count(2, timeout=15_000)
    page.goto(f"/exams/{day[0].request.key}/why/discontinue?room=ct1")
    looked_at(page, f"exams-why-page-{language}")
