"""The admin: behind our sign-in, every change audited, and the audit only to be read."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import powers
from accounts.admin_rooms import Room
from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.models import Department, MachineKey, Membership, User
from accounts.roles import Right, Role
from accounts.scope import scope_of_user
from accounts.services import IssuedKey
from tests.factories.accounts import PASSWORD, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(db: None) -> User:
    """Somebody who runs the portal and works in no department."""
    return UserFactory.create(username="admin", is_staff=True, is_superuser=True)


@pytest.fixture
def desk(client: Client, administrator: User) -> Client:
    """The administrator's browser."""
    client.force_login(administrator)
    return client


def last(action: Action) -> AuditEvent:
    event = AuditEvent.objects.filter(action=action).order_by("-at", "-id").first()
    assert event is not None, action
    return event


def test_a_stranger_is_sent_to_our_sign_in_page(client: Client) -> None:
    response = client.get("/admin/accounts/user/", follow=True)
    assert response.redirect_chain[-1][0] == "/account/login/?next=/admin/accounts/user/"


def test_somebody_who_is_no_administrator_is_told_so_without_a_loop(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.get("/admin/", follow=True).status_code == 403


def test_admin_has_one_place_for_passwords_and_for_leaving(desk: Client) -> None:
    assert desk.get(reverse("admin:password_change"))["Location"] == reverse("account_change_password")
    assert desk.post(reverse("admin:logout"))["Location"] == reverse("account_logout")


def test_what_is_switched_off_is_not_shown() -> None:
    labels = {model._meta.app_label for model in admin.site._registry}
    assert "accounts" in labels
    assert not labels & {"account", "auth", "mfa", "usersessions"}


@pytest.mark.parametrize("theme", ["dark", "light", "system"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_of_people_is_whole_and_free_of_inline_code(
    desk: Client, administrator: User, alice: User, machine: IssuedKey, theme: str, language: str
) -> None:
    User.objects.filter(pk=administrator.pk).update(theme=theme, language=language)
    pages = [reverse("admin:index")]
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label != "accounts":
            continue
        name = f"admin:accounts_{model._meta.model_name}"
        pages.append(reverse(f"{name}_changelist"))
        if model_admin.has_add_permission(type("Request", (), {"user": administrator})()):
            pages.append(reverse(f"{name}_add"))
        pages += [
            reverse(f"{name}_change", args=[key]) for key in model._default_manager.values_list("pk", flat=True)[:1]
        ]
    assert len(pages) > 12
    for page in pages:
        # What there is only one of opens at once, instead of a list of it.
        response = desk.get(page, follow=True)
        text = response.content.decode()
        assert response.status_code == 200, page
        assert f"theme-{theme}" in text, page
        assert " style=" not in text, page
        assert "onclick=" not in text, page
        assert "theme.js" not in text, page


def test_a_person_is_added_with_memberships_and_all_of_it_is_audited(desk: Client, emergency: Department) -> None:
    made = desk.post(
        reverse("admin:accounts_user_add"), {"username": "dora", "password1": PASSWORD, **_no_memberships()}
    )
    assert "/account/password/link/" in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    dora = User.objects.get(username="dora")
    assert not dora.has_usable_password()
    assert last(Action.USER_CREATED).subject_uid == str(dora.pk)
    assert PASSWORD not in str(list(AuditEvent.objects.values()))
    form = {
        **_person(dora),
        **_no_memberships(),
        "memberships-TOTAL_FORMS": "1",
        "memberships-0-user": str(dora.pk),
        "memberships-0-department": str(emergency.pk),
        "memberships-0-role": Role.RADIOGRAPHER,
        "memberships-0-valid_from_0": "2026-01-01",
        "memberships-0-valid_from_1": "08:00",
    }
    response = desk.post(reverse("admin:accounts_user_change", args=[dora.pk]), form)
    assert response.status_code == 302, response.content.decode()
    assert dora.memberships.get().role == Role.RADIOGRAPHER
    event = last(Action.MEMBERSHIP_STARTED)
    assert event.subject_uid == str(dora.pk)
    assert event.detail["department"] == "emergency"
    assert (event.actor_name, event.door) == ("admin", "page")


def _no_memberships() -> dict[str, str]:
    lines = ("memberships", "practitioner_identifiers")
    return {f"{line}-{kind}_FORMS": "0" for line in lines for kind in ("TOTAL", "INITIAL")}


def _person(user: User, **change: str) -> dict[str, str]:
    return {"username": user.username, "email": user.email, "theme": "dark", "is_active": "on", **change}


def test_switching_an_account_off_is_audited_as_such(desk: Client, charlie: User) -> None:
    form = {**_person(charlie), **_no_memberships()}
    del form["is_active"]
    desk.post(reverse("admin:accounts_user_change", args=[charlie.pk]), form)
    assert last(Action.USER_DISABLED).subject_uid == str(charlie.pk)


def test_only_administrators_make_administrators(client: Client, charlie: User) -> None:
    from django.contrib.auth.models import Permission

    helper = UserFactory.create(username="helper", is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename__in=["change_user", "view_user"]))
    client.force_login(helper)
    form = {**_person(helper, is_superuser="on", is_staff="on"), **_no_memberships()}
    client.post(reverse("admin:accounts_user_change", args=[helper.pk]), form)
    helper.refresh_from_db()
    assert not helper.is_superuser


@pytest.mark.parametrize("name", ["user", "machinekey", "auditevent"])
def test_people_keys_and_events_are_not_deleted(desk: Client, machine: IssuedKey, charlie: User, name: str) -> None:
    MembershipFactory.create()
    model = {"user": User, "machinekey": MachineKey, "auditevent": AuditEvent}[name]
    key = model._default_manager.values_list("pk", flat=True)[0]
    assert desk.post(reverse(f"admin:accounts_{name}_delete", args=[key]), {"post": "yes"}).status_code == 403


def test_a_setting_that_makes_no_sense_is_refused(desk: Client) -> None:
    form = {"name": "North", "issuer_of_patient_id": "N", "issuer_oid": "1.2.x", "time_zone": "Europe/Atlantis"}
    response = desk.post(reverse("admin:accounts_site_add"), form)
    assert response.status_code == 200
    assert set(response.context["adminform"].form.errors) == {"issuer_oid", "time_zone"}


def test_a_change_of_a_department_is_audited_without_its_values(desk: Client, emergency: Department) -> None:
    form = {"site": emergency.site_id, "code": "emergency", "name": "Emergency ward", "is_active": "on"}
    form |= {"name_fr": "", "shares_priors": "nobody", **_no_memberships()}
    form |= {"MachineKey_departments-TOTAL_FORMS": "0", "MachineKey_departments-INITIAL_FORMS": "0"}
    form |= {"ApplicationEntity_departments-TOTAL_FORMS": "0", "ApplicationEntity_departments-INITIAL_FORMS": "0"}
    desk.post(reverse("admin:accounts_department_change", args=[emergency.pk]), form)
    event = last(Action.SETTING_CHANGED)
    assert (event.subject_type, event.subject_uid) == ("department", str(emergency.pk))
    assert "Emergency ward" not in str(event.detail)
    emergency.refresh_from_db()
    assert emergency.shares_priors == "nobody"


def test_a_membership_deleted_is_audited(desk: Client, alice: User) -> None:
    membership = alice.memberships.get()
    desk.post(reverse("admin:accounts_membership_delete", args=[membership.pk]), {"post": "yes"})
    assert not Membership.objects.exists()
    assert last(Action.MEMBERSHIP_ENDED).subject_uid == str(membership.pk)


def key_form(department: Department, **change: Any) -> dict[str, Any]:
    return {
        "name": "ris",
        "departments": [department.pk],
        "rights_dicomweb": ["list", "view"],
        "addresses": "10.1.0.0/16\n10.2.0.1",
        "expires_at_0": "",
        "expires_at_1": "",
        **change,
    }


def test_a_machine_key_is_shown_once(desk: Client, emergency: Department) -> None:
    response = desk.post(reverse("admin:accounts_machinekey_add"), key_form(emergency))
    key = MachineKey.objects.get()
    plaintext = response.context["issued"].plaintext
    assert plaintext in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert key.rights == {"dicomweb": ["list", "view"]}
    assert key.addresses == ["10.1.0.0/16", "10.2.0.1"]
    assert list(key.departments.all()) == [emergency]
    assert key.created_by is not None
    for page in ("change", "history"):
        assert plaintext not in desk.get(reverse(f"admin:accounts_machinekey_{page}", args=[key.pk])).content.decode()
    assert plaintext not in str(list(AuditEvent.objects.values()))
    assert plaintext not in str(desk.cookies)
    assert last(Action.MACHINE_KEY_ISSUED).actor_name == "admin"


def test_a_machine_key_that_makes_no_sense_is_refused(desk: Client, emergency: Department) -> None:
    form = key_form(emergency, name="a:b", addresses="10.1.0.0/99", rights_api=["everything"])
    response = desk.post(reverse("admin:accounts_machinekey_add"), form)
    assert response.status_code == 200
    assert set(response.context["adminform"].form.errors) == {"name", "addresses", "rights_api"}


def test_a_machine_key_changes_and_is_revoked(desk: Client, emergency: Department, machine: IssuedKey) -> None:
    address = reverse("admin:accounts_machinekey_change", args=[machine.key.pk])
    page = desk.get(address).content.decode()
    assert "checked" in page
    desk.post(address, key_form(emergency, name="emergency-gateway"))
    machine.key.refresh_from_db()
    assert machine.key.rights == {"dicomweb": ["list", "view"]}
    assert machine.key.digest
    desk.post(
        reverse("admin:accounts_machinekey_changelist"), {"action": "revoke", "_selected_action": [machine.key.pk]}
    )
    machine.key.refresh_from_db()
    assert not machine.key.is_usable_at(timezone.now())
    assert last(Action.MACHINE_KEY_REVOKED).subject_uid == str(machine.key.pk)


def test_the_audit_is_searched_exactly_and_the_search_is_audited(desk: Client, alice: User) -> None:
    from accounts import audit
    from accounts.actor import SYSTEM

    for patient in ("MRN1", "MRN10"):
        audit.record(Action.STUDY_OPENED, actor=SYSTEM, subject_type="study", subject_uid="1.2", patient_id=patient)
    address = reverse("admin:accounts_auditevent_changelist")
    assert desk.get(address, {"q": "MRN1"}).context["cl"].result_count == 1
    assert desk.get(address, {"q": "1.2"}).context["cl"].result_count == 2
    assert last(Action.AUDIT_READ).detail == {"asked": {"q": "1.2"}}
    event = AuditEvent.objects.filter(patient_id="MRN1").get()
    page = desk.get(reverse("admin:accounts_auditevent_change", args=[event.pk])).content.decode()
    assert "_save" not in page
    assert desk.post(reverse("admin:accounts_auditevent_change", args=[event.pk]), {"door": "x"}).status_code == 403
    assert desk.get(reverse("admin:accounts_auditevent_add")).status_code == 403


def test_a_privacy_officer_of_the_staff_reads_the_audit_and_nothing_else(client: Client, emergency: Department) -> None:
    officer = UserFactory.create(is_staff=True)
    client.force_login(officer)
    address = reverse("admin:accounts_auditevent_changelist")
    assert client.get(address).status_code == 403
    MembershipFactory.create(user=officer, department=emergency, role=Role.PRIVACY_OFFICER)
    assert client.get(address).status_code == 200
    assert client.get(reverse("admin:accounts_user_changelist")).status_code == 403


def test_every_page_stands_in_a_room_and_rooms_are_in_the_sidebar(desk: Client) -> None:
    assert all(isinstance(page.room, Room) for page in admin.site._registry.values())  # type: ignore[attr-defined]
    shown = [room["name"] for room in desk.get(reverse("admin:index")).context["app_list"]]
    assert shown == [room.label for room in Room]
    assert desk.get("/admin/imaging/")["Location"] == reverse("admin:index")


def test_what_a_person_can_do_is_said_with_its_reasons(desk: Client, alice: User, emergency: Department) -> None:
    over = timezone.now() - timedelta(days=1)
    MembershipFactory.create(
        user=alice, department=emergency, role=Role.RADIOGRAPHER, valid_from=over - timedelta(days=9), valid_until=over
    )
    page = desk.get(reverse("admin:accounts_user_powers", args=[alice.pk])).content.decode()
    assert "sees images of the departments below" in page
    assert "Takes copies of them away" in page
    assert "Nothing any more: the membership has ended." in page
    User.objects.filter(pk=alice.pk).update(is_active=False)
    page = desk.get(reverse("admin:accounts_user_powers", args=[alice.pk])).content.decode()
    assert "sees no image at present" in page
    assert "The account is switched off" in page


@pytest.mark.parametrize("role", Role)
def test_what_the_page_says_is_what_the_scope_gives(role: Role, charlie: User, emergency: Department) -> None:
    MembershipFactory.create(user=charlie, department=emergency, role=role)
    told = powers.powers_of_person(charlie)
    scope = scope_of_user(charlie)
    assert told.sees_images == scope.may(Right.VIEW)
    assert len(told.held[0].rights) == len(dict(scope.department_rights)[emergency.pk])


def test_an_administrator_is_told_to_see_no_image(desk: Client, administrator: User) -> None:
    page = desk.get(reverse("admin:accounts_user_powers", args=[administrator.pk])).content.decode()
    assert "sees no image at present" in page
    assert "That alone shows no image and no patient." in page


def test_what_a_machine_can_do_is_said_and_ends_with_its_key(desk: Client, machine: IssuedKey) -> None:
    address = reverse("admin:accounts_machinekey_powers", args=[machine.key.pk])
    assert "Opens their images" in desk.get(address).content.decode()
    MachineKey.objects.update(revoked_at=timezone.now())
    page = desk.get(address).content.decode()
    assert "The key is revoked: it opens nothing." in page
    assert "Opens their images" not in page


def test_the_table_of_roles_shows_every_role(desk: Client) -> None:
    page = desk.get(reverse("admin:accounts_membership_roles")).content.decode()
    assert all(str(role.label) in page for role in Role)


@pytest.mark.parametrize("name", ["accounts_membership_roles", "accounts_user_powers", "accounts_auditevent_export"])
def test_staff_without_the_permission_are_refused(client: Client, alice: User, name: str) -> None:
    client.force_login(UserFactory.create(is_staff=True))
    address = reverse(f"admin:{name}", args=[alice.pk] if "powers" in name else [])
    assert client.post(address).status_code == 403


def test_a_department_shows_its_people_and_keys_and_audits_who_comes(
    desk: Client, emergency: Department, charlie: User, machine: IssuedKey
) -> None:
    address = reverse("admin:accounts_department_change", args=[emergency.pk])
    assert machine.key.name in desk.get(address).content.decode()
    form = {"site": emergency.site_id, "code": "emergency", "name": "Emergency", "is_active": "on", "name_fr": ""}
    form |= {"shares_priors": "site", "memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0"}
    form |= {"memberships-0-user": str(charlie.pk), "memberships-0-role": Role.CLINICIAN}
    form |= {"memberships-0-valid_from_0": "2026-01-01", "memberships-0-valid_from_1": "08:00"}
    form |= {"MachineKey_departments-TOTAL_FORMS": "1", "MachineKey_departments-INITIAL_FORMS": "1"}
    form |= {"ApplicationEntity_departments-TOTAL_FORMS": "0", "ApplicationEntity_departments-INITIAL_FORMS": "0"}
    assert desk.post(address, form).status_code == 302
    assert charlie.memberships.get().department == emergency
    assert last(Action.MEMBERSHIP_STARTED).subject_uid == str(charlie.pk)
    assert machine.key.departments.get() == emergency


@pytest.mark.parametrize("given", ["²", "nan", "9" * 40, "2026-01-01 10:00", "\ud800"])
@pytest.mark.parametrize("field", ["departments", "expires_at", "rights", "addresses", "name"])
def test_an_address_that_fills_in_what_is_no_value_opens_the_form_all_the_same(
    desk: Client, field: str, given: str
) -> None:
    value = given.encode("utf-8", "surrogatepass")
    assert desk.get(reverse("admin:accounts_machinekey_add"), {field: value}).status_code == 200
