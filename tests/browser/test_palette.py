"""The command palette: a few letters, Enter. By keys alone, in both languages, with nothing of a patient in any address."""

import pytest

from accounts.models import User
from tests.browser.conftest import OpenPage, until
from tests.browser.test_pages import AXE, as_reader
from tests.factories import arrivals
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

ACTIVE = "#palette [role=option][aria-selected=true]:not([hidden])"


def test_half_a_name_without_accents_opens_the_images(archive: Archive, alice: User, open_page: OpenPage) -> None:
    made = arrivals.dataset(PatientName="Lefèvre^Camille", PatientID="0048 2913")
    archive.receive(made, *(arrivals.dataset(PatientID=f"P{n}", PatientName=f"Other^{n}") for n in range(3)))
    page = open_page(alice)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/")
    page.keyboard.press("Control+k")
    field = page.locator("[data-palette-input]")
    assert field.get_attribute("role") == "combobox"
    page.keyboard.type("camille lef")
    until(
        lambda: page.locator(ACTIVE).count() and "LEFÈVRE" in page.inner_text(ACTIVE).upper(), "the study is not found"
    )
    assert field.get_attribute("aria-activedescendant") == page.locator(ACTIVE).get_attribute("id")
    until(lambda: "1 result" in page.inner_text("[data-palette-status]"), "the number of results is not said")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/viewer/{made.StudyInstanceUID}/")
    assert not [address for address in asked if "lef" in address.lower()]


def test_pages_lists_and_actions_are_a_few_letters_away(archive: Archive, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    page.goto("/?modality=CT")
    page.keyboard.press("Control+k")
    until(lambda: page.locator("#palette [data-palette-lists] [role=option]").count() > 1, "the lists do not come")
    page.keyboard.type("today")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?from=today")
    page.keyboard.press("Control+k")
    page.keyboard.type("light th")
    page.keyboard.press("Enter")
    page.wait_for_selector("html[data-theme=light]")
    assert page.url.endswith("/?from=today")
    page.keyboard.press("Control+k")
    page.keyboard.type("francais")
    page.keyboard.press("Enter")
    page.wait_for_selector("html[lang=fr]")
    page.keyboard.press("Control+k")
    page.keyboard.type("dark")
    until(lambda: page.locator("#palette [role=option]:not([hidden])").count() == 0, "what fits nothing stays")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.press("ArrowUp")
    assert page.locator(ACTIVE).get_attribute("id") == "palette-sign-out"
    page.keyboard.press("Enter")
    page.wait_for_url("**/account/login/**")


def test_the_keys_of_the_list_are_quiet_and_the_focus_comes_back(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    archive.receive(arrivals.dataset())
    page = open_page(alice)
    page.goto("/")
    page.keyboard.press("j")
    page.keyboard.press("Control+k")
    page.keyboard.type("jx ?")
    assert page.locator("tbody [data-tick]:checked").count() == 0
    page.keyboard.press("Control+k")
    assert page.locator("#palette[open]").count() == 0
    assert page.evaluate("document.activeElement.matches('tr[data-key]')")


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("fr", "light")])
def test_axe_has_nothing_to_say_about_palette_panel_and_keys(
    language: str, theme: str, archive: Archive, alice: User, open_page: OpenPage
) -> None:
    archive.receive(arrivals.dataset(ReasonForTheRequestedProcedure="Fall"))
    page = open_page(as_reader(alice, language, theme))
    page.context.add_init_script(path=AXE)
    page.goto("/")
    page.keyboard.press("j")
    page.keyboard.press(" ")
    until(lambda: "Fall" in page.inner_text("#preview"), "the panel does not come")
    for name, key in (("panel", ""), ("palette", "Control+k"), ("keys", "?")):
        if key:
            page.keyboard.press("Escape") if name == "keys" else None
            page.keyboard.press(key)
            page.locator("dialog[open]").wait_for()
        if name == "palette":
            page.keyboard.type("dur")
            page.locator("#palette-study-1").wait_for()
        found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
        told = [(entry["id"], entry["nodes"][0]["html"]) for entry in found["violations"]]
        assert not told, f"{name}: {told}"
