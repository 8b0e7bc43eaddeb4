"""Somebody outside sends images back on a phone, and a person of the department takes them out of the inbox."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from accounts.models import User
from imaging.ingest.imports.importer import Importer
from imaging.ingest.models import Import
from imaging.sharing.models import SharePolicy
from imaging.sharing.models.choices import Factor
from imaging.studies.models import Study
from tests import memories
from tests.browser.conftest import PHONE, OpenPage, until
from tests.browser.test_pages import AXE
from tests.browser.test_shares import link, looked_at
from tests.factories import arrivals
from tests.shared_links import Sharing
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture(autouse=True)
def uploads(data_dir: Path, settings: Any) -> None:
    """The folder of uploads of this test, and nobody who tried before."""
    settings.UPLOAD_DIR = data_dir / "uploads"
    settings.SPOOL_RESERVE = lambda _total: 0
    memories.forget()


@pytest.fixture
def chest(archive: Archive) -> Study:
    """A study to be shared."""
    made = arrivals.dataset(PatientName="Durand^Jeanne")
    archive.receive(made)
    return Study.objects.get(study_instance_uid=made.StudyInstanceUID)


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    """A folder with small images, a large one in pieces, and a text."""
    top = tmp_path / "disc" / "DICOM"
    top.mkdir(parents=True)
    study = arrivals.uid()
    for number in range(6):
        made = arrivals.dataset(PatientID="X77", PatientName="Other^Anna", StudyInstanceUID=study)
        (top / f"IM{number}").write_bytes(arrivals.encoded(made))
    large = arrivals.dataset(PatientID="X77", PatientName="Other^Anna", StudyInstanceUID=study, Rows=2600, Columns=2600)
    large.PixelData = bytes(2600 * 2600 * 2)
    (top / "LARGE").write_bytes(arrivals.encoded(large))
    (tmp_path / "disc" / "README.TXT").write_bytes(b"Read me first. " * 20)
    return tmp_path / "disc"


def readable(page: Page) -> None:
    """Readable for all."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    assert not [(rule["id"], rule["nodes"][0]["target"]) for rule in found["violations"]]


def test_a_phone_sends_a_folder_back_and_a_person_takes_it(
    chest: Study,
    disc: Path,
    sharing: Sharing,
    share_policy: Callable[..., SharePolicy],
    open_page: OpenPage,
    alice: User,
) -> None:
    share_policy(may_upload=True, factor_required=False)
    made = sharing(chest, may_upload=True, factor=Factor.NONE)
    page = open_page(None, viewport=PHONE, has_touch=True, is_mobile=True)
    page.goto(link(made))
    page.get_by_role("button", name="Open the images").click()
    page.get_by_role("link", name="Send images back").click()
    looked_at(page, "send-back")
    page.set_input_files("#choose-folder", disc)
    until(lambda: Import.objects.filter(state=Import.State.EXAMINING).exists(), "the files have not all come")
    page.get_by_text("It is being read").wait_for()
    Importer().work()
    page.reload()
    page.get_by_text("7 images arrived").wait_for()
    page.get_by_text("1 file was not taken").click()
    page.get_by_text("README.TXT").wait_for()
    looked_at(page, "sent-back")

    desk = open_page(alice)
    desk.goto("/import/inbox/")
    desk.get_by_text("Dr Paul Mercier").wait_for()
    assert "Anna" not in desk.content()
    readable(desk)
    desk.get_by_role("button", name="Take it and decide").click()
    desk.get_by_text("Sent from outside, by a link").wait_for()
    desk.get_by_text("Anna").first.wait_for()
    readable(desk)
    assert Study.objects.count() == 1
