"""A report is written by keys, saved while it is typed, found again, and signed after a proof of who signs."""

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page

from accounts.actor import SYSTEM
from accounts.models import Department, User
from accounts.roles import Role
from imaging.reports.models import Report, ReportDraft, ReportVersion
from imaging.reports.templates import services as templates
from imaging.studies.models import Study
from tests.browser.conftest import PHONE, WIDE, OpenPage, until
from tests.browser.test_pages import AXE
from tests.browser.test_session_ends import PASSWORD, sign_in_again
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def rita(emergency: Department) -> User:
    """A radiologist."""
    user = UserFactory.create(username="rita", display_name="Rita Roux", language="en")
    user.set_password(PASSWORD)
    user.save()
    MembershipFactory.create(user=user, department=emergency, role=Role.RADIOLOGIST)
    return user


@pytest.fixture
def study(archive: Archive, decoders: Pool) -> str:
    """A radiograph of a hand, with the starter templates."""
    made = arrivals.dataset(PatientName="Durand^Hélène", BodyPartExamined="HAND", Modality="CR")
    archive.receive(made)
    Study.objects.update(modalities=["CR"], body_part_examined="HAND")
    templates.load_starter(actor=SYSTEM)
    return str(made.StudyInstanceUID)


def draft_says(words: str) -> bool:
    row = ReportDraft.objects.first()
    return row is not None and any(words in section["text"] for section in row.sections)


def write(page: Page, study: str) -> None:
    page.goto(f"/reports/{study}/write")
    page.keyboard.press("Alt+2")
    page.keyboard.press("Control+Home")
    page.keyboard.press("Tab")
    page.keyboard.press("2")
    page.keyboard.press("1")
    page.keyboard.press("Alt+4")
    page.keyboard.press("Control+Home")
    page.keyboard.press("Tab")
    page.keyboard.press("1")
    page.keyboard.press("Alt+5")
    page.keyboard.press("Control+End")
    page.keyboard.type(" .nochange ")


def test_a_report_is_written_by_keys_kept_when_the_page_closes_and_signed(
    study: str, rita: User, open_page: OpenPage
) -> None:
    page = open_page(rita, viewport=WIDE)
    write(page, study)
    until(lambda: draft_says("Left hand, PA and oblique views."), "the chosen words are not saved")
    until(lambda: draft_says("No significant change"), "the macro is not saved")
    page.keyboard.type("Last words.")
    # Gone at once, before the pause after which it would be saved.
    page.goto("about:blank")
    until(lambda: draft_says("Last words."), "what was typed last is lost")

    page.goto(f"/reports/{study}/write")
    assert "Last words." in page.input_value("#part-impression")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#sign-report[open]")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/reports/*-*/")
    assert "Last words." in page.inner_text("#main")
    assert ReportVersion.objects.get().kind == "final"
    page.goto(f"/studies/{study}/")
    assert "Last words." in page.inner_text("#study-report")


def test_two_people_write_and_neither_text_is_lost(
    study: str, rita: User, emergency: Department, open_page: OpenPage
) -> None:
    other = UserFactory.create(username="carl", display_name="Carl Colin", language="en")
    MembershipFactory.create(user=other, department=emergency, role=Role.RADIOLOGIST)
    first, second = open_page(rita, viewport=WIDE, awaited=(409,)), open_page(other, viewport=WIDE)
    for page in (first, second):
        page.goto(f"/reports/{study}/write")
    second.fill("#part-impression", "Carl’s words.")
    until(lambda: draft_says("Carl’s words."), "the colleague's text is not saved")
    first.fill("#part-impression", "Rita’s words.")
    first.wait_for_selector("#report-overtaken[open]")
    assert "Carl" in first.inner_text("#report-overtaken del")
    first.click("[data-take-mine]")
    until(lambda: draft_says("Rita’s words."), "the chosen text is not saved")
    second.reload()
    assert "was overtaken" in second.inner_text(".write-text .note") or "overtaken" in second.inner_text(
        ".write-text .note"
    )


def test_a_session_that_ends_while_it_is_typed_loses_nothing(study: str, rita: User, open_page: OpenPage) -> None:
    page = open_page(rita, viewport=WIDE, awaited=(401,))
    page.goto(f"/reports/{study}/write")
    Session.objects.all().delete()
    page.fill("#part-impression", "Typed without a session.")
    page.wait_for_selector("#sign-in-again[open]")
    sign_in_again(page, rita.username)
    until(lambda: draft_says("Typed without a session."), "the text is lost")
    assert Report.objects.count() == 1


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_in_the_editor_and_the_report(
    study: str, rita: User, theme: str, open_page: OpenPage
) -> None:
    rita.theme = theme
    rita.save(update_fields=["theme"])
    page = open_page(rita, viewport=WIDE)
    page.goto(f"/reports/{study}/write")
    page.fill("#part-technique", "Plain.")
    page.fill("#part-findings", "Plain.")
    page.evaluate(AXE.read_text("utf-8"))
    assert not violations(page)
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert not violations(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#sign-report[open]")
    assert not violations(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/reports/*-*/")
    page.evaluate(AXE.read_text("utf-8"))
    assert not violations(page)
    page.goto("/reports/templates/")
    page.evaluate(AXE.read_text("utf-8"))
    assert not violations(page)


def violations(page: Page) -> list[str]:
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [f"{each['id']}: {each['nodes'][0]['html'][:160]}" for each in found["violations"]]
