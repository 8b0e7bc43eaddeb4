"""Sign-in and the admin in a real browser: its scripts work under the strict policy, in both lights, wide and on a phone."""

import socket
from typing import Any

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page

from accounts.models import Department, MachineKey, Membership, Theme, User
from accounts.roles import Role
from accounts.services import IssuedKey
from imaging.events.models import Job
from imaging.ingest import receipts
from imaging.ingest.models import ApplicationEntity, RoutingRule
from imaging.webhooks.models import Webhook, WebhookAttempt
from tests.browser.conftest import PHONE, WIDE, OpenPage
from tests.browser.test_pages import AXE
from tests.factories import arrivals
from tests.factories.accounts import PASSWORD, UserFactory
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def administrator(db: None) -> User:
    """Somebody who runs the portal."""
    cache.clear()
    return UserFactory.create(username="admin", is_staff=True, is_superuser=True)


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def overflows(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"))


def test_a_person_signs_in_by_keyboard_alone(open_page: OpenPage, charlie: User) -> None:
    page = open_page(charlie)
    page.context.clear_cookies()
    page.goto("/account/login/?next=/account/password/")
    page.keyboard.type("charlie")
    page.keyboard.press("Tab")
    page.keyboard.type("not the password")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    page.keyboard.type(PASSWORD)  # the cursor waits in the password, the name is kept
    page.keyboard.press("Enter")
    page.wait_for_url("**/account/password/")


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("theme", [Theme.DARK, Theme.LIGHT])
def test_every_admin_page_of_people_is_silent_and_in_the_reader_s_light(
    open_page: OpenPage, administrator: User, alice: User, machine: IssuedKey, viewport: Any, theme: Theme
) -> None:
    User.objects.filter(pk=administrator.pk).update(theme=theme)
    page = open_page(administrator, viewport=viewport)
    asked = RequestFactory().get("/")
    asked.user = administrator
    addresses = [reverse("admin:index")]
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label != "accounts":
            continue
        addresses.append(reverse(f"admin:accounts_{model._meta.model_name}_changelist"))
        if model_admin.has_add_permission(asked):
            addresses.append(reverse(f"admin:accounts_{model._meta.model_name}_add"))
    addresses.append(reverse("admin:accounts_user_change", args=[alice.pk]))
    seen = set()
    for address in addresses:
        response = page.goto(address)
        assert response is not None
        assert response.status == 200, address
        seen.add(background(page))
    assert len(seen) == 1
    lightness = float(seen.pop().removeprefix("oklch(").split()[0])
    assert (lightness > 0.5) == (theme == Theme.LIGHT)


@pytest.mark.parametrize(("theme", "language"), [(Theme.DARK, "en"), (Theme.LIGHT, "fr")])
def test_the_pages_of_ours_fit_speak_and_satisfy_axe(
    open_page: OpenPage,
    administrator: User,
    alice: User,
    emergency: Department,
    machine: IssuedKey,
    theme: Theme,
    language: str,
) -> None:
    User.objects.filter(pk=administrator.pk).update(theme=theme, language=language)
    entity = ApplicationEntity.objects.create(ae_title="CT1", silence_hours=2, silent_since=timezone.now())
    RoutingRule.objects.create(name="scanner", modality="CT", owner=emergency)
    RoutingRule.objects.create(name="rest", order=200, owner=emergency)
    receipts.record([receipts.Handed(door="dimse", sender="CT1", outcome="new")])
    addresses = [
        reverse("admin:index"),
        reverse("admin:imaging_routingrule_try") + "?modality=MR&calling_ae_title=CT1",
        reverse("admin:imaging_storage_tiers"),
        reverse("admin:integration"),
        reverse("admin:imaging_applicationentity_changelist"),
        reverse("admin:imaging_applicationentity_change", args=[entity.pk]),
        reverse("admin:imaging_job_changelist"),
        reverse("admin:imaging_rendition_changelist"),
        reverse("admin:imaging_savedlist_changelist"),
        reverse("admin:imaging_quarantinedobject_changelist"),
        reverse("admin:accounts_membership_roles"),
        reverse("admin:accounts_user_powers", args=[alice.pk]),
        reverse("admin:accounts_user_change", args=[alice.pk]),
        reverse("admin:accounts_machinekey_powers", args=[machine.key.pk]),
        reverse("admin:accounts_machinekey_change", args=[machine.key.pk]),
        reverse("admin:accounts_department_change", args=[emergency.pk]),
        reverse("admin:accounts_auditevent_changelist") + "?person=admin",
    ]
    complaints = []
    for viewport in (WIDE, PHONE):
        page = open_page(administrator, viewport=viewport)
        # As an init script: the security policy would not let the page itself load it.
        page.context.add_init_script(path=AXE)
        for address in addresses:
            response = page.goto(address)
            assert response is not None
            assert response.status == 200, address
            if overflows(page):
                complaints.append(f"{address}, {viewport['width']} px: wider than the screen")
            found = page.evaluate("axe.run({ resultTypes: ['violations'], preload: false })")
            complaints += [
                f"{address}, {viewport['width']} px: {rule['id']} {[node['target'] for node in rule['nodes']][:5]}"
                for rule in found["violations"]
            ]
    assert not complaints


@pytest.mark.parametrize(("theme", "language"), [(Theme.DARK, "en"), (Theme.LIGHT, "fr")])
def test_axe_is_content_with_every_list(
    open_page: OpenPage,
    archive: Archive,
    administrator: User,
    emergency: Department,
    machine: IssuedKey,
    theme: Theme,
    language: str,
) -> None:
    User.objects.filter(pk=administrator.pk).update(theme=theme, language=language)
    archive.receive(arrivals.dataset())
    Membership.objects.create(user=administrator, department=emergency, role=Role.RADIOLOGIST)
    hook = Webhook.objects.create(machine_key=machine.key, address="https://ris.example/", created_by="admin")
    WebhookAttempt.objects.create(webhook=hook, message_id="one", attempted_at=timezone.now(), status=500)
    Job.objects.create(step="thumbnails", subject_uid="1.2", state="failed", problem_code="x", due_at=timezone.now())
    complaints = []
    page = open_page(administrator)
    page.context.add_init_script(path=AXE)
    asked = RequestFactory().get("/")
    asked.user = administrator
    for model, model_admin in admin.site._registry.items():
        if not model_admin.has_view_permission(asked):
            continue
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        response = page.goto(address)
        assert response is not None
        assert response.status == 200, address
        for viewport in (WIDE, PHONE):
            page.set_viewport_size(viewport)
            if overflows(page):
                complaints.append(f"{address}, {viewport['width']} px: wider than the screen")
            found = page.evaluate("axe.run({ resultTypes: ['violations'], preload: false })")
            complaints += [
                f"{address}, {viewport['width']} px: {rule['id']} {[node['target'] for node in rule['nodes']][:5]}"
                for rule in found["violations"]
            ]
    assert not complaints


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_f1_helps_beside_a_page_of_the_administration(
    open_page: OpenPage, administrator: User, emergency: Department, viewport: Any
) -> None:
    ApplicationEntity.objects.create(ae_title="CT1", description="CT, emergency").departments.set([emergency])
    page = open_page(administrator, viewport=viewport)
    page.context.add_init_script(path=AXE)
    page.goto(reverse("admin:accounts_department_change", args=[emergency.pk]))
    assert page.get_by_role("link", name="CT1", exact=True).count() == 1
    address = page.url
    page.keyboard.press("F1")
    page.locator("#help[open] #help-heading").wait_for()
    assert page.inner_text("#help-heading") == "People and departments"
    found = page.evaluate("axe.run({ resultTypes: ['violations'], preload: false })")
    assert not [(rule["id"], [node["target"] for node in rule["nodes"]][:5]) for rule in found["violations"]]
    page.click("#help nav a[href$='/machines']")
    page.locator("#help-heading", has_text="Machines and interfaces").wait_for()
    assert page.url == address
    page.keyboard.press("Escape")
    assert page.locator("#help[open]").count() == 0


def test_a_device_is_tested_from_its_page(open_page: OpenPage, administrator: User) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        entity = ApplicationEntity.objects.create(ae_title="CT1", host="localhost", port=free.getsockname()[1])
        page = open_page(administrator)
        page.goto(reverse("admin:imaging_applicationentity_change", args=[entity.pk]))
        page.get_by_role("button", name="Test the connection").click()
        page.locator(".messagelist .error").wait_for()
    assert "Nothing answers at localhost" in page.inner_text(".messagelist")


def test_django_s_own_scripts_work_under_the_policy(
    open_page: OpenPage, administrator: User, charlie: User, emergency: Department
) -> None:
    page = open_page(administrator)
    page.goto(reverse("admin:accounts_user_change", args=[charlie.pk]))
    page.locator(".add-row a").first.click()
    page.locator("#id_memberships-0-department").select_option(str(emergency.pk))
    page.locator("#id_memberships-0-role").select_option(Role.RADIOGRAPHER)
    page.locator("#memberships-0 .datetimeshortcuts a").first.click()
    page.locator("input[name=_save]").click()
    page.locator(".messagelist .success").wait_for()
    assert charlie.memberships.get().role == Role.RADIOGRAPHER


def test_a_key_is_issued_in_the_admin_and_shown_once(
    open_page: OpenPage, administrator: User, emergency: Department
) -> None:
    page = open_page(administrator)
    page.goto(reverse("admin:accounts_machinekey_add"))
    page.locator("#id_name").fill("ris")
    page.get_by_label("Emergency", exact=True).check()
    page.locator("#id_rights_dicomweb_0").check()
    page.locator("input[name=_save]").click()
    shown = page.locator(".issued-key").inner_text()
    key = MachineKey.objects.get()
    assert shown.startswith(key.prefix)
    assert list(key.departments.all()) == [emergency]
    page.get_by_role("link", name="I have copied it").click()
    assert shown not in page.content()


@pytest.mark.parametrize("name", ["account_login", "account_change_password", "account_logout"])
def test_the_pages_of_one_s_account_fit_a_phone(open_page: OpenPage, charlie: User, name: str) -> None:
    page = open_page(charlie, viewport=PHONE)
    if name == "account_login":
        page.context.clear_cookies()
    page.goto(reverse(name))
    assert not overflows(page)
