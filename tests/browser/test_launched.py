"""A clinician's way from the record to the images, in a real browser: one click, no second sign-in, the laboratory beside the film."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from playwright.sync_api import Page, expect

from accounts.actor import SYSTEM
from accounts.models import ClaimRule, Department, IdentityProvider, OutboundHost, User
from accounts.roles import Role
from imaging.ehr.models import HealthRecord
from imaging.orders.catalogue import services as catalogue
from imaging.orders.models import ExamRequest, Procedure
from imaging.studies.models import Study
from tests.browser.conftest import PHONE, WIDE, OpenPage
from tests.browser.test_pages import AXE, as_reader
from tests.factories import arrivals
from tests.factories.exam_requests import exam_request
from tests.imaging.ehr.launching.conftest import ANNA
from tests.imaging.ehr.summary.conftest import RESOURCES
from tests.imaging.rendering.conftest import Pool
from tests.stand_in_record.running import StandInRecord, running
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

SHOTS = os.environ.get("SHOTS", "")
OID = "1.2.826.0.1.3680043.10.999"
READY = "[data-viewer][data-ready=true]"


@pytest.fixture
def chest(archive: Archive, decoders: Pool) -> Study:
    """A film of a patient whom the record knows."""
    made = arrivals.dataset(
        AccessionNumber="A1", StudyDescription="Chest PA", PatientID="P1", PatientBirthDate="19800101"
    )
    archive.receive(made)
    archive.draw(made.StudyInstanceUID)
    return Study.objects.get(study_instance_uid=made.StudyInstanceUID)


@pytest.fixture
def record(tmp_path: Path, live_server: object, emergency: Department, chest: Study) -> Iterator[StandInRecord]:
    """The record, running, listed, and believed for the emergency department's people."""
    cache.clear()
    site = emergency.site
    site.issuer_of_patient_id, site.issuer_oid = chest.patient.issuer_of_patient_id, OID
    site.save()
    portal = str(live_server)
    with running(tmp_path, callback=f"{portal}/launch/record/callback") as there:
        OutboundHost.objects.create(
            host="localhost", port=there.port, purpose="record", networks=["127.0.0.0/8", "::1"]
        )
        provider = IdentityProvider.objects.create(
            name="The record",
            slug="record",
            issuer=there.issuer,
            client_id="negatoscope",
            client_authentication="private_key_jwt",
        )
        ClaimRule.objects.create(
            provider=provider, claim="groups", value="pacs-emergency", department=emergency, role=Role.CLINICIAN
        )
        HealthRecord.objects.create(
            name="Hospital record",
            slug="record",
            site=site,
            address=there.base,
            provider=provider,
            access=HealthRecord.Access.BACKEND,
            client_id="negatoscope-reader",
        )
        link = f"{portal}/launch?iss={there.base}&launch=ticket-1"
        there.knows(
            people={"anna": ANNA},
            signed_in="anna",
            resources=RESOURCES,
            launches={"ticket-1": {"patient": "p1", "need_patient_banner": True}},
            page=f"<!doctype html><title>Record</title><h1>Anna's patient</h1><a href='{link}'>Images</a>",
        )
        yield there
    cache.clear()


def test_one_click_in_the_record_shows_the_images_with_the_laboratory_beside(
    record: StandInRecord, chest: Study, open_page: OpenPage
) -> None:
    page = open_page(None)
    page.goto(f"{record.issuer}/page")
    page.get_by_role("link", name="Images").click()
    page.locator(READY).wait_for(timeout=60_000)
    assert f"/viewer/{chest.study_instance_uid}/" in page.url
    beside = page.get_by_role("complementary", name="From the health record")
    expect(beside.get_by_text("110.5 µmol/L")).to_be_visible()
    expect(beside.get_by_text("Metformin 850 mg")).to_be_visible()

    page.keyboard.press("g")
    expect(beside).to_be_hidden()
    page.reload()
    page.locator(READY).wait_for(timeout=60_000)
    expect(beside).to_be_hidden()
    page.keyboard.press("g")
    expect(beside.get_by_text("Asthma")).to_be_visible()


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("light", ["dark", "light"])
def test_what_is_told_fits_and_speaks_beside_study_and_images(
    record: StandInRecord, chest: Study, alice: User, open_page: OpenPage, language: str, light: str
) -> None:
    page = open_page(as_reader(alice, language, light))
    page.context.add_init_script(path=AXE)
    page.goto(f"/studies/{chest.study_instance_uid}/")
    expect(page.get_by_text("Metformin 850 mg")).to_be_visible()
    page.locator("details.test summary").first.click()
    looked_at(page, f"study-{language}-{light}")

    page.goto(f"/viewer/{chest.study_instance_uid}/")
    page.locator(READY).wait_for(timeout=60_000)
    page.locator("[data-beside][aria-expanded]").click()
    expect(page.get_by_text("Metformin 850 mg")).to_be_visible()
    looked_at(page, f"viewer-{language}-{light}")


def test_a_record_that_is_away_holds_nothing_up(
    record: StandInRecord, chest: Study, alice: User, open_page: OpenPage
) -> None:
    record.knows(status=503)
    page = open_page(as_reader(alice, "en", "dark"))
    page.goto(f"/studies/{chest.study_instance_uid}/")
    expect(page.get_by_text("Hospital record does not answer.")).to_be_visible()
    record.knows(status=None)
    page.get_by_role("button", name="Ask again").click()
    expect(page.get_by_text("Metformin 850 mg")).to_be_visible()


def test_the_records_word_answers_a_question_of_safety_by_a_press(
    record: StandInRecord, chest: Study, alice: User, emergency: Department, open_page: OpenPage
) -> None:
    catalogue.load_starter(actor=SYSTEM)
    contrast = Procedure.objects.filter(modality="CT", contrast="iodine", is_active=True).first()
    exam = exam_request(
        asking=emergency,
        performing=emergency,
        patient=chest.patient,
        requester=alice,
        procedure=contrast,
        state=ExamRequest.State.DRAFT,
    )
    page = open_page(as_reader(alice, "en", "dark"))
    page.context.add_init_script(path=AXE)
    page.goto(f"/requests/{exam.key}/edit")
    line = page.locator("[data-answer=q-metformin]")
    expect(line).to_contain_text("Metformin 850 mg")
    expect(page.locator("[name=q-metformin][value=yes]")).not_to_be_checked()
    looked_at(page, "request")
    page.set_viewport_size(WIDE)
    with page.expect_response(re.compile("/save$")):
        line.get_by_role("button").click()
    expect(page.locator("[name=q-metformin][value=yes]")).to_be_checked()
    expect(line).to_be_hidden()
    expect(page.locator("#kept")).to_contain_text("kept")
    exam.refresh_from_db()
    assert exam.safety["metformin"]["answer"] == "yes"


def looked_at(page: Page, name: str) -> None:
    """Nothing is wider than its window, and axe has nothing to complain about."""
    for size, viewport in (("wide", WIDE), ("phone", PHONE)):
        page.set_viewport_size(viewport)
        page.wait_for_load_state("networkidle")
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/told-{name}-{size}.png", full_page=True)
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{name} is {overflow} px too wide for {size}"
        found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
        assert not [entry["id"] for entry in found["violations"]], f"{name} {size}"
