"""The reading list in a real browser: found on a phone, read by keys, taken over by a colleague; and a critical finding told."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.actor import SYSTEM
from accounts.models import Department, Notification, User
from accounts.roles import Role
from imaging.reports.models import CriticalFinding, ReadingItem, ReportingPolicy
from imaging.reports.reading import services
from imaging.reports.reading.asked import Asked
from imaging.studies import services as studies
from imaging.studies.models import Study
from imaging.studies.rows.incoming import PlannedPlacement
from tests.browser.conftest import PHONE, OpenPage
from tests.browser.test_access_requests import SHOTS, looked_at, opened
from tests.browser.test_pages import as_reader
from tests.factories import arrivals
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

ToRead = Callable[..., ReadingItem]


@pytest.fixture
def radiology(emergency: Department) -> Department:
    """The department that reads."""
    return DepartmentFactory.create(code="radiology", name="Radiology", name_fr="Radiologie", site=emergency.site)


def reader(department: Department, username: str, name: str, role: Role = Role.RADIOLOGIST) -> User:
    user = UserFactory.create(username=username, display_name=name)
    MembershipFactory.create(user=user, department=department, role=role)
    return user


@pytest.fixture
def rita(radiology: Department) -> User:
    """A radiologist."""
    return reader(radiology, "rita", "Rita Blanc")


@pytest.fixture
def ralf(radiology: Department) -> User:
    """Another radiologist."""
    return reader(radiology, "ralf", "Ralf Noir")


@pytest.fixture
def to_read(data_dir: Path, radiology: Department, emergency: Department, alice: User) -> ToRead:
    """`to_read(minutes, **header)` is a study that Alice asked for and that is due in so many minutes."""

    def made(minutes: int, *, priority: int = 2, **header: Any) -> ReadingItem:
        dataset = arrivals.dataset(**header)
        studies.register([arrivals.incoming(dataset, data_dir / "arrived", radiology)], actor=SYSTEM)
        study = Study.objects.get(study_instance_uid=dataset.StudyInstanceUID)
        studies.place_study(study, PlannedPlacement(emergency.pk, "requesting", "rule"), actor=SYSTEM)
        asked = Asked(
            priority=priority,
            asked_by_id=alice.pk,
            asked_by_name="Martin^Alice",
            asking_department_id=emergency.pk,
            performing_department_id=radiology.pk,
            clinical_question="Fell on the outstretched hand an hour ago, pain over the fifth metacarpal. Fracture?",
        )
        item = services.offer(study.study_instance_uid, asked=asked)
        assert item is not None
        now = timezone.now()
        item.ready_at, item.due_at = now - timedelta(hours=1), now + timedelta(minutes=minutes)
        item.save(update_fields=["ready_at", "due_at"])
        return item

    return made


@pytest.fixture
def three(to_read: ToRead) -> list[ReadingItem]:
    """One late and pressing, one whose time is nearly over, one with time."""
    return [
        to_read(
            -25, priority=0, PatientName="Benali^Samir", PatientID="P1", StudyDescription="Left hand", Modality="CR"
        ),
        to_read(
            5, priority=1, PatientName="Roux^Claire", PatientID="P2", StudyDescription="Chest, two views", Modality="CR"
        ),
        to_read(
            600,
            PatientName="Durand^Hélène",
            PatientID="P3",
            StudyDescription="Brain CT without contrast",
            Modality="CT",
        ),
    ]


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("fr", "light")])
def test_the_reading_list_and_its_lists_are_reached_wide_and_on_a_phone(
    three: list[ReadingItem], rita: User, language: str, theme: str, open_page: OpenPage
) -> None:
    page = opened(open_page, as_reader(rita, language, theme))
    page.goto("/reading/")
    rows = page.locator("#reading-rows tr")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("BENALI")
    # How pressing it is stands in words and in a shape, not in a colour alone.
    assert page.locator("#reading-rows .clock-late svg, #reading-rows .clock-pressing svg").count() == 2
    looked_at(page, f"reading-{language}-{theme}")
    page.set_viewport_size(PHONE)
    page.locator("[popovertarget=reading-lists]").click()
    lists = page.locator("#reading-lists")
    expect(lists).to_be_visible()
    looked_at_phone(page, f"reading-lists-{language}-{theme}")
    lists.get_by_role("link").nth(1).click()
    page.wait_for_url("**/reading/?show=*")


def looked_at_phone(page: Page, name: str) -> None:
    """What is open over the page on a phone."""
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/access-{name}.png")
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    assert not [(entry["id"], entry["nodes"][0]["html"]) for entry in found["violations"]]


def test_the_next_study_is_read_by_a_key_and_a_colleague_who_takes_it_over_is_not_silent(
    three: list[ReadingItem], rita: User, ralf: User, open_page: OpenPage
) -> None:
    first = opened(open_page, as_reader(rita, "en", "dark"))
    first.goto("/reading/")
    first.keyboard.press("n")
    first.wait_for_url("**/write")
    expect(first.locator("#main")).to_contain_text("Left hand")
    assert ReadingItem.objects.get(pk=three[0].pk).locked_by == rita

    second = opened(open_page, as_reader(ralf, "en", "dark"))
    second.goto("/reading/")
    row = second.locator("#reading-rows tr").first
    expect(row).to_contain_text("Rita Blanc")
    row.get_by_role("button", name="Take over").first.click()
    told = second.get_by_text("A colleague reads it now, and is told.")
    expect(told).to_be_visible()
    looked_at_phone(second, "take-over")
    second.keyboard.press("Enter")
    second.wait_for_url("**/write")
    assert ReadingItem.objects.get(pk=three[0].pk).locked_by == ralf
    assert Notification.objects.filter(user=rita).exists()
    # Next is what nobody reads: the second of the list.
    first.goto("/reading/")
    first.keyboard.press("n")
    first.wait_for_url("**/write")
    expect(first.locator("#main")).to_contain_text("Chest, two views")


def test_a_critical_finding_is_raised_while_writing_and_acknowledged_by_who_asked(
    three: list[ReadingItem], rita: User, alice: User, open_page: OpenPage
) -> None:
    writing = opened(open_page, as_reader(rita, "en", "light"))
    address = f"/reports/{three[0].study.study_instance_uid}/write"
    writing.goto(address)
    writing.fill("#part-impression", "Displaced fracture.")
    writing.keyboard.press("Alt+c")
    writing.wait_for_url("**/critical/raise/**")
    expect(writing.get_by_label("Who has to know")).to_have_value(f"{alice.label} ({alice.username})")
    looked_at(writing, "critical-raise")
    writing.get_by_label("Finding", exact=True).fill("Open fracture with loss of pulse")
    writing.get_by_role("button", name="Raise it now").click()
    writing.wait_for_url(f"**{address}")
    expect(writing.locator("#part-impression")).to_have_value("Displaced fracture.")
    expect(writing.locator(".write-beside")).to_contain_text("Open fracture with loss of pulse")
    looked_at(writing, "critical-writing")

    clinician = opened(open_page, as_reader(alice, "en", "dark"))
    clinician.goto("/critical/")
    looked_at(clinician, "critical-list")
    clinician.locator("#main a").filter(has_text="BENALI").first.click()
    looked_at(clinician, "critical-finding")
    clinician.get_by_role("button", name="Acknowledge").click()
    expect(clinician.get_by_text("Noted: you know of it.")).to_be_visible()
    assert CriticalFinding.objects.get().acknowledged_by == alice

    writing.reload()
    writing.keyboard.press("Control+Enter")
    expect(writing.locator("#sign-report")).to_contain_text("Open fracture with loss of pulse")
    looked_at(writing, "critical-sign")
    writing.keyboard.press("Control+Enter")
    writing.wait_for_url("**/reports/*-*/")
    expect(writing.locator(".report-critical")).to_contain_text("acknowledged by")
    looked_at(writing, "critical-report")


_SPEECH = """
window.SpeechRecognition = class extends EventTarget {
  start() { window.spoken = this; }
  stop() { this.dispatchEvent(new Event("end")); }
};
window.speak = (words) => {
  const heard = Object.assign([{ transcript: words }], { isFinal: true });
  window.spoken.dispatchEvent(Object.assign(new Event("result"), { resultIndex: 0, results: [heard] }));
};
"""


def test_what_is_dictated_stands_at_the_cursor(three: list[ReadingItem], rita: User, open_page: OpenPage) -> None:
    ReportingPolicy.objects.create(pk=1, allows_dictation=True)
    page = open_page(rita)
    page.add_init_script(_SPEECH)
    page.goto(f"/reports/{three[0].study.study_instance_uid}/write")
    area = page.locator("#part-impression")
    area.fill("Fracture of the metacarpal.")
    area.evaluate("area => area.setSelectionRange(15, 15)")
    button = page.locator("[data-dictate]")
    expect(button).to_be_visible()
    page.keyboard.press("Alt+d")
    expect(button).to_have_attribute("aria-pressed", "true")
    page.evaluate("speak('fifth')")
    expect(area).to_have_value("Fracture of the fifth metacarpal.")
    page.keyboard.press("Alt+d")
    expect(button).to_have_attribute("aria-pressed", "false")


def test_dictation_is_not_offered_by_a_browser_that_hears_nothing(
    three: list[ReadingItem], rita: User, open_page: OpenPage
) -> None:
    ReportingPolicy.objects.create(pk=1, allows_dictation=True)
    page = open_page(rita)
    page.add_init_script(
        "for (const name of ['SpeechRecognition', 'webkitSpeechRecognition'])"
        " Object.defineProperty(window, name, { value: undefined });"
    )
    page.goto(f"/reports/{three[0].study.study_instance_uid}/write")
    expect(page.locator("#part-impression")).to_be_visible()
    expect(page.locator("[data-dictate]")).to_be_hidden()
