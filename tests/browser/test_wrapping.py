"""At the bedside: a photo taken with the phone, added to the study of the patient, and seen there."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session

from accounts.models import User
from tests.browser.conftest import PHONE, WIDE, OpenPage, until
from tests.browser.test_pages import AXE, as_reader, shoot
from tests.browser.test_session_ends import PASSWORD, sign_in_again
from tests.factories import arrivals, material
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

TOUCH = {"viewport": PHONE, "has_touch": True, "is_mobile": True}


@pytest.fixture
def study(archive: Archive, decoders: Pool, data_dir: Path, settings: Any) -> str:
    """A study of emergency, on a page that answers."""
    settings.UPLOAD_DIR = data_dir / "uploads"
    made = arrivals.dataset(PatientName="Durand^Hélène", StudyDescription="Hand")
    archive.receive(made)
    archive.draw(made.StudyInstanceUID)
    return str(made.StudyInstanceUID)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo held upright, as a phone writes it."""
    path = tmp_path / "IMG_2041.jpg"
    path.write_bytes(material.phone_photo(orientation=6))
    return path


def test_a_phone_adds_a_photo_to_a_study_and_sees_it_there(
    study: str, photo: Path, alice: User, archive: Archive, open_page: OpenPage
) -> None:
    page = open_page(alice, **TOUCH)
    page.goto(f"/studies/{study}/")
    page.tap("#main >> text=Add photo or document")
    page.wait_for_url("**/import/wrap/?study=*")
    assert page.locator("label[for=take]").is_visible()
    assert page.get_attribute("#take", "capture") == "environment"
    page.set_input_files("#take", photo)
    until(lambda: page.evaluate("document.querySelector('.wrap-previews img')?.naturalWidth") == 48, "no preview")
    page.fill("#id_description", "Wound")
    page.select_option("#id_body_part", "HAND")
    shoot(page, "wrap-phone-chosen")
    page.tap("button[type=submit].btn-wide")
    page.wait_for_selector("#wrap-result")
    assert "Added to the study." in page.inner_text("#wrap-result")
    assert page.locator(".wrap-previews li").count() == 0
    shoot(page, "wrap-phone-result")
    archive.draw(study)
    page.tap("#wrap-result a")
    page.wait_for_url(f"**/studies/{study}/")
    until(lambda: "Wound" in page.inner_text("#main"), "the photo's series is not on the page")
    drawn = "[...document.querySelectorAll('#main img')].filter((one) => one.complete && one.naturalWidth).length >= 2"
    until(lambda: page.evaluate(drawn), "the photo is not drawn")
    shoot(page, "wrap-phone-study")


def test_what_is_wrong_is_said_beside_the_field_and_the_files_stay_chosen(
    study: str, photo: Path, alice: User, open_page: OpenPage
) -> None:
    page = open_page(alice, **TOUCH)
    page.goto(f"/import/wrap/?like={study}")
    page.tap("button[type=submit].btn-wide")
    assert page.locator("#wrap-result").count() == 0
    page.set_input_files("#choose", photo)
    page.fill("#id_study_description", "Photo")
    page.fill("#id_study_date", "2199-01-01")
    page.tap("button[type=submit].btn-wide")
    until(lambda: page.locator("#id_study_date[aria-invalid=true]").count() == 1, "the day is not complained about")
    assert page.locator(".wrap-previews li").count() == 1
    page.fill("#id_study_date", "2026-01-02")
    page.tap("button[type=submit].btn-wide")
    page.wait_for_selector("#wrap-result")
    assert "Added to the study." in page.inner_text("#wrap-result")


def test_a_patient_is_found_while_typing(study: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    page.goto("/import/wrap/")
    page.locator("#wrap-words").press_sequentially("duran")
    page.wait_for_selector(".wrap-found li")
    shoot(page, "wrap-found")
    assert "duran" not in page.url
    page.click("text=To this study")
    page.wait_for_url(f"**/import/wrap/?study={study}")
    assert "DURAND" in page.inner_text(".patient").upper()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_pages_are_readable_for_all(
    language: str, theme: str, study: str, photo: Path, alice: User, open_page: OpenPage
) -> None:
    complaints = []
    reader = as_reader(alice, language, theme)
    pages = {"choose": "", "study": f"?study={study}", "like": f"?like={study}", "new": "?new=1"}
    for size, viewport in (("wide", WIDE), ("phone", PHONE)):
        page = open_page(reader, viewport=viewport, has_touch=size == "phone", is_mobile=size == "phone")
        page.context.add_init_script(path=AXE)
        for name, query in pages.items():
            page.goto(f"/import/wrap/{query}")
            if query:
                page.set_input_files("#choose", [photo, photo])
            page.wait_for_load_state("networkidle")
            overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, f"{name} is {overflow} px too wide for {size}"
            found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
            complaints += [
                f"{name}, {size}: {rule['id']} {[node['target'] for node in rule['nodes']][:5]}"
                for rule in found["violations"]
            ]
            shoot(page, f"wrap-{name}-{size}-{language}-{theme}")
    assert not complaints


def test_a_session_that_ends_before_the_photo_is_sent_costs_neither_photo_nor_words(
    study: str, photo: Path, alice: User, open_page: OpenPage
) -> None:
    alice.set_password(PASSWORD)
    alice.save()
    page = open_page(alice)
    page.goto(f"/import/wrap/?study={study}")
    page.set_input_files("#choose", photo)
    page.fill("#id_description", "Wound")
    Session.objects.all().delete()
    page.click("button[type=submit].btn-wide")
    sign_in_again(page, alice.username)
    page.wait_for_selector("#wrap-result")
    assert "Added to the study." in page.inner_text("#wrap-result")
