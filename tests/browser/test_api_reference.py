"""The API's reference in a real browser: drawn under the strict policy, readable for all, and tried out with one's own session."""

import pytest

from accounts.models import User
from tests.browser.conftest import OpenPage, until
from tests.browser.test_pages import AXE, shoot
from tests.factories import arrivals
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

#: Swagger UI's own faults, which are not ours to mend: its grey words, and controls without a name.
FOREIGN = ".swagger-ui"


def test_the_reference_is_drawn_without_a_complaint_and_an_operation_can_be_tried(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    page = open_page(alice)
    page.goto("/api/docs/")
    operation = page.locator("#operations-studies-studies_list")
    operation.wait_for()
    shoot(page, "api-reference")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    told = operation.locator(".live-responses-table")
    told.wait_for()
    until(lambda: made.StudyInstanceUID in (told.text_content() or ""), "the answer is shown")


def test_a_change_tried_out_proves_that_it_is_the_reader_s(alice: User, open_page: OpenPage) -> None:
    page = open_page(alice, awaited=(404,))
    page.goto("/api/docs/")
    operation = page.locator("#operations-jobs-jobs_retry")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.locator("tr[data-param-name=id] input").fill("1")
    operation.get_by_role("button", name="Execute").click()
    # Absent, and not "does not prove that it is yours".
    told = operation.locator(".live-responses-table")
    told.wait_for()
    until(lambda: "#not-found" in (told.text_content() or ""), "the answer is shown")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_kinds_of_problems_are_a_page_for_everybody(alice: User, open_page: OpenPage, language: str) -> None:
    alice.language = language
    alice.save()
    page = open_page(alice)
    page.goto("/api/docs/problems#not-found")
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("#not-found").is_visible()
    shoot(page, f"api-problems-{language}")
    for address in ("/api/docs/problems", "/api/docs/"):
        page.goto(address)
        page.evaluate(AXE.read_text("utf-8"))
        found = page.evaluate(
            "foreign => axe.run({exclude: [foreign]}).then(result => result.violations.map(v => v.id))", FOREIGN
        )
        assert found == [], address
