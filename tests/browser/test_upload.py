"""Bringing images in with a real Chromium: folders, drops, a tab closed at half, what is refused, and readers of screens."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import CDPSession, Page, Route

from accounts.models import Department, User
from accounts.roles import Role
from imaging.ingest.models import Import, ImportedFile
from imaging.ingest.uploads import staging
from tests.browser.conftest import PHONE, WIDE, OpenPage, until
from tests.browser.test_pages import AXE, as_reader, shoot
from tests.browser.test_session_ends import PASSWORD, sign_in_again
from tests.factories.accounts import MembershipFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

MEBIBYTE = 1024 * 1024
#: Where files are sent: large ones alone, small ones together.
SENT = re.compile(r"/import/(tus/|[0-9a-f-]{36}/files)")
TOGETHER = "**/import/*/files"


@pytest.fixture(autouse=True)
def uploads(data_dir: Path, settings: Any) -> None:
    settings.UPLOAD_DIR = data_dir / "uploads"
    settings.SPOOL_RESERVE = lambda _total: 0


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    """A folder with folders, small files and one of several pieces."""
    top = tmp_path / "disc"
    for number in range(12):
        (top / "DICOM" / f"S{number % 3}").mkdir(parents=True, exist_ok=True)
        (top / "DICOM" / f"S{number % 3}" / f"IM{number}").write_bytes(os.urandom(20_000 + number))
    (top / "cine.dcm").write_bytes(os.urandom(40 * MEBIBYTE + 17))
    (top / "AUTORUN.INF").write_bytes(b"")
    return top


def contents(folder: Path) -> dict[str, bytes]:
    """Bytes by the path that a browser gives."""
    return {
        str(path.relative_to(folder.parent)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def arrived(delivery: Import) -> dict[str, bytes]:
    """Bytes by name, of what lies on disk."""
    return {file.path: staging.path_of(delivery.pk, file.pk).read_bytes() for file in delivery.files.all()}


def bring(page: Page, folder: Path) -> None:
    page.goto("/import/")
    page.set_input_files("#choose-folder", folder)


def received(page: Page) -> Import:
    page.wait_for_url("**/import/*-*/", wait_until="commit", timeout=60_000)
    return Import.objects.exclude(state=Import.State.RECEIVING).get()


def test_a_folder_arrives_as_it_is(alice: User, disc: Path, open_page: OpenPage) -> None:
    page = open_page(alice)
    page.goto("/import/")
    page.fill("#upload-title", "CD of 18 Nov")
    page.set_input_files("#choose-folder", disc)
    delivery = received(page)
    assert delivery.title == "CD of 18 Nov"
    assert delivery.file_count == 14
    assert arrived(delivery) == contents(disc)


def test_a_tab_closed_at_half_goes_on_where_it_stopped(alice: User, disc: Path, open_page: OpenPage) -> None:
    page = open_page(alice)
    session: CDPSession = page.context.new_cdp_session(page)
    session.send("Network.enable")
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 6 * MEBIBYTE}
    session.send("Network.emulateNetworkConditions", conditions)
    bring(page, disc)

    def half_there() -> bool:
        sizes = [path.stat().st_size for path in staging.folder_of(Import.objects.get().pk).iterdir()]
        return len(sizes) >= 10 and MEBIBYTE < max(sizes) < 38 * MEBIBYTE

    page.wait_for_selector("#file-rows tr")
    until(half_there, "half of the files have arrived")
    page.click("#sending-title")  # only a page that was touched may ask
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    with page.expect_event("close"):
        page.close(run_before_unload=True)
    assert asked == ["beforeunload"]
    before = ImportedFile.objects.filter(state=ImportedFile.State.RECEIVED).count()
    there = max(path.stat().st_size for path in staging.folder_of(Import.objects.get().pk).iterdir())
    assert before >= 9
    page = open_page(alice)
    page.goto("/import/")
    assert f"{before} files arrived" in page.inner_text("#unfinished")
    sent = []
    page.on("request", lambda request: sent.append(request.method) if SENT.search(request.url) else None)
    page.click("[data-continue]")
    page.set_input_files("#choose-folder", disc)
    delivery = received(page)
    assert arrived(delivery) == contents(disc)
    assert delivery.file_count == 14
    assert sent.count("POST") <= 14 - before
    assert there > MEBIBYTE


def test_files_may_be_dropped(alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    page.goto("/import/")
    transfer = page.evaluate_handle(
        """() => { const carried = new DataTransfer();
        for (const name of ["a.dcm", "b.dcm"]) carried.items.add(new File([name], name, { lastModified: 1 }));
        return carried; }"""
    )
    page.dispatch_event("#drop", "dragover", {"dataTransfer": transfer})
    page.wait_for_selector(".drop-over")
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    assert arrived(received(page)) == {"a.dcm": b"a.dcm", "b.dcm": b"b.dcm"}


def test_what_is_refused_says_why_and_the_rest_can_go_on(
    alice: User, disc: Path, open_page: OpenPage, settings: Any
) -> None:
    page = open_page(alice)
    (disc / "<img src=x onerror=alert(1)>.dcm").write_bytes(b"hostile name")
    settings.UPLOAD_QUOTA_BYTES = 30 * MEBIBYTE
    bring(page, disc)
    page.wait_for_selector("#without:visible")
    row = page.locator("#file-rows tr").first
    assert "cine.dcm" in row.inner_text()
    assert "too large" in row.inner_text()
    assert page.locator("#sending img").count() == 0
    shoot(page, "upload-refused")
    page.click("#without")
    delivery = received(page)
    assert "disc/cine.dcm" not in arrived(delivery)
    assert len(arrived(delivery)) == 14


def test_a_server_that_is_away_is_waited_for(alice: User, disc: Path, open_page: OpenPage) -> None:
    page = open_page(alice, awaited=(503,))
    failures = iter(range(8))

    def sometimes(route: Any) -> None:
        if next(failures, None) is None:
            route.continue_()
        elif len(disc.name) % 2:
            route.abort("connectionrefused")
        else:
            route.fulfill(status=503, body="busy")

    page.route(SENT, sometimes)
    bring(page, disc)
    assert arrived(received(page)) == contents(disc)


def test_an_answer_that_is_lost_makes_no_file_twice(alice: User, disc: Path, open_page: OpenPage) -> None:
    page = open_page(alice)
    lost = []

    def losing(route: Any) -> None:
        if route.request.method == "POST" and len(lost) < 2:
            lost.append(route.fetch().status)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(TOGETHER, losing)
    bring(page, disc)
    delivery = received(page)
    assert lost == [200, 200]
    assert arrived(delivery) == contents(disc)
    assert delivery.file_count == 14


def test_files_that_may_not_come_together_come_one_by_one(alice: User, disc: Path, open_page: OpenPage) -> None:
    page = open_page(alice)
    page.route(TOGETHER, lambda route: route.fulfill(status=413, body="<h1>Request Entity Too Large</h1>"))
    bring(page, disc)
    assert arrived(received(page)) == contents(disc)


def test_a_file_that_is_gone_meanwhile_does_not_hold_the_others(alice: User, disc: Path, open_page: OpenPage) -> None:
    page = open_page(alice)
    page.route(SENT, lambda route: None)
    bring(page, disc)
    page.wait_for_selector("#file-rows tr")
    page.click("#pause")
    until(lambda: "Paused" in page.inner_text("#sending-state"), "it says that it is paused")
    gone = disc / "DICOM" / "S1" / "IM4"
    gone.unlink()
    page.unroute(SENT)
    page.click("#pause")
    page.wait_for_selector("#without:visible")
    row = page.locator("#file-rows tr").first
    until(lambda: "IM4" in row.inner_text(), "the row of that file is drawn")
    assert "Could not be read" in row.inner_text()
    page.click("#without")
    assert arrived(received(page)) == contents(disc)


def test_one_that_is_refused_among_small_ones_says_why(
    alice: User, disc: Path, open_page: OpenPage, settings: Any
) -> None:
    page = open_page(alice)
    (disc / "cine.dcm").unlink()
    (disc / "DICOM" / "Z99").write_bytes(bytes(90_000))
    settings.UPLOAD_QUOTA_BYTES = 300_000
    bring(page, disc)
    page.wait_for_selector("#without:visible")
    row = page.locator("#file-rows tr").first
    until(lambda: "Z99" in row.inner_text(), "the row of that file is drawn")
    assert "Finish or cancel one" in row.inner_text()
    page.click("#without")
    delivery = received(page)
    assert arrived(delivery) == {name: body for name, body in contents(disc).items() if not name.endswith("Z99")}


def test_pause_stops_and_resume_goes_on(alice: User, disc: Path, open_page: OpenPage) -> None:
    page = open_page(alice)
    page.route(SENT, lambda route: None)
    bring(page, disc)
    page.wait_for_selector("#file-rows tr")
    page.click("#pause")
    until(lambda: "Paused" in page.inner_text("#sending-state"), "it says that it is paused")
    page.unroute(SENT)
    page.click("#pause")
    assert arrived(received(page)) == contents(disc)


def test_who_was_signed_out_signs_in_on_the_page_and_what_was_chosen_is_sent(
    alice: User, disc: Path, open_page: OpenPage
) -> None:
    alice.set_password(PASSWORD)
    alice.save()
    page = open_page(alice)
    page.goto("/import/")
    Session.objects.all().delete()
    page.set_input_files("#choose-files", disc / "cine.dcm")
    sign_in_again(page, alice.username)
    assert len(arrived(received(page))) == 1


def test_a_session_that_ends_while_files_are_sent_costs_no_file(alice: User, disc: Path, open_page: OpenPage) -> None:
    alice.set_password(PASSWORD)
    alice.save()
    page = open_page(alice)

    ended: list[str] = []

    def end(route: Route) -> None:
        if ended:
            route.continue_()
        else:
            ended.append(route.request.url)
            route.fulfill(status=401)

    page.route(SENT, end)
    bring(page, disc)
    page.locator("#sign-in-again[open]").wait_for()
    Session.objects.all().delete()
    sign_in_again(page, alice.username)
    assert arrived(received(page)) == contents(disc)


def test_cancel_asks_and_leaves_nothing(alice: User, disc: Path, open_page: OpenPage) -> None:
    page = open_page(alice)
    page.route(SENT, lambda route: None)
    bring(page, disc)
    page.wait_for_selector("#file-rows tr")
    page.click("#cancel")
    page.click("#cancel-yes")
    until(lambda: Import.objects.get().state == Import.State.CANCELLED, "the import is cancelled")
    page.wait_for_selector("#recent-title")
    assert not staging.folder_of(Import.objects.get().pk).exists()


def test_ten_thousand_files_do_not_freeze_the_page(alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    page.route(SENT, lambda route: None)
    page.goto("/import/")
    page.evaluate(
        """() => { const carried = new DataTransfer();
        for (let n = 0; n < 10000; n += 1) carried.items.add(new File(["x"], `IM${n}`, { lastModified: n }));
        document.getElementById("choose-files").files = carried.files;
        document.getElementById("choose-files").dispatchEvent(new Event("change")); }"""
    )
    until(lambda: "10,000" in page.inner_text("#total-files"), "all are counted", seconds=60)
    assert page.locator("#file-rows tr").count() <= 130
    page.click("#pause")
    until(lambda: "Paused" in page.inner_text("#sending-state"), "it still answers")


def test_only_who_may_upload_is_led_there(
    alice: User, charlie: User, emergency: Department, orthopaedics: Department, open_page: OpenPage
) -> None:
    MembershipFactory.create(user=charlie, department=emergency, role=Role.QUALITY_OFFICER)
    page = open_page(charlie)
    page.goto("/")
    assert page.locator("nav.nav a", has_text="Import").count() == 0
    MembershipFactory.create(user=alice, department=orthopaedics, role=Role.CLINICIAN)
    page = open_page(alice)
    page.goto("/")
    page.click("nav.nav a:has-text('Import')")
    page.locator("#department option").first.wait_for(state="attached")
    assert page.locator("#department option").all_inner_texts() == ["Emergency", "Orthopaedics"]


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("fr", "light")])
def test_the_page_is_for_all_readers(
    language: str, theme: str, alice: User, disc: Path, open_page: OpenPage, settings: Any
) -> None:
    settings.UPLOAD_QUOTA_BYTES = 30 * MEBIBYTE
    reader = as_reader(alice, language, theme)
    for size, viewport in (("wide", WIDE), ("phone", PHONE)):
        page = open_page(reader, viewport=viewport)
        bring(page, disc)
        page.wait_for_selector("#without:visible")
        for place in ("at work", "left"):
            if place == "left":
                page.on("dialog", lambda dialog: dialog.accept())
                page.goto("/import/")
            assert page.get_attribute("html", "lang") == language
            overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, f"{place} is {overflow} px too wide for {size}"
            shoot(page, f"upload-{place}-{size}-{language}-{theme}")
            page.evaluate(AXE.read_text())
            found = page.evaluate("axe.run()")["violations"]
            assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []


def test_the_pickers_are_reached_by_keys(alice: User, disc: Path, open_page: OpenPage) -> None:
    page = open_page(alice)
    # Heard from the beginning: asked for at the moment of the key, the browser may have shown its own dialog already.
    page.on("filechooser", lambda chooser: chooser.set_files(disc / "AUTORUN.INF"))
    page.goto("/import/")
    page.focus("#upload-title")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "choose-files"
    page.keyboard.press("Space")
    assert received(page).file_count == 1
