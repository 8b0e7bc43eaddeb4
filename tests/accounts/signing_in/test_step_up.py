"""A proof asked again: what it stands before, who passes, and what becomes of what was typed."""

import html
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.models import SignInPolicy, Site, User
from accounts.roles import Role
from accounts.signing_in import recovery_codes
from accounts.signing_in.acts import Act
from tests.accounts.signing_in.conftest import SoftwareKey, code, options, sign_in
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
CONFIRM = "/account/confirm/"
PAGE = {"HTTP_ACCEPT": "text/html"}


def age(client: Client, seconds: float = 301) -> None:
    """Let what was shown in a session grow old."""
    session = client.session
    for proof in session["proofs"]["shown"]:
        proof["at"] -= seconds
    session.save()


@pytest.fixture
def desk(client: Client) -> Client:
    """An administrator's, whose sign-in was more than five minutes ago."""
    client.force_login(UserFactory.create(username="root", is_staff=True, is_superuser=True))
    age(client)
    return client


@pytest.mark.parametrize(
    ("address", "act"),
    [
        ("/admin/accounts/site/add/", Act.ADMINISTRATION),
        ("/admin/accounts/signinpolicy/add/", Act.ADMINISTRATION),
        ("/admin/accounts/machinekey/add/", Act.KEYS),
        ("/admin/accounts/auditevent/", Act.AUDIT),
    ],
)
def test_a_page_that_weighs_is_shown_after_a_proof(desk: Client, address: str, act: Act) -> None:
    answer = desk.get(address)
    assert answer["Location"].startswith(f"{CONFIRM}?act={act}&next=")
    assert desk.post(CONFIRM, {"act": act, "password": PASSWORD, "next": address})["Location"] == address
    assert desk.get(address).status_code == 200
    event = AuditEvent.objects.filter(action=Action.USER_CONFIRMED).get()
    assert (event.detail["act"], event.detail["method"]) == (str(act), "password")


def test_what_is_only_looked_at_asks_for_nothing(desk: Client) -> None:
    assert desk.get("/admin/").status_code == 200
    assert desk.get("/admin/accounts/site/").status_code == 200


def test_whoever_has_just_signed_in_is_not_asked(client: Client, db: None) -> None:
    client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    assert client.get("/admin/accounts/site/add/").status_code == 200


def test_what_was_typed_is_carried_and_kept_nowhere(desk: Client) -> None:
    form = {"name": 'Sud "><script>', "issuer_of_patient_id": "SUD", "time_zone": "Europe/Paris", "_save": "x"}
    answer = desk.post("/admin/accounts/site/add/", form, **PAGE)
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "<script>" not in page.split('id="held"')[1].split("</form>")[0]
    held = {
        html.unescape(n): html.unescape(v)
        for n, v in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page)
    }
    assert {name: held[name] for name in form} == form
    assert "SUD" not in str(dict(desk.session.items()))
    assert not Site.objects.exists()
    assert desk.post(CONFIRM, {"password": PASSWORD}, HTTP_ACCEPT="application/json").status_code == 200
    assert desk.post("/admin/accounts/site/add/", form, **PAGE).status_code == 302
    assert Site.objects.get().issuer_of_patient_id == "SUD"


def test_more_than_a_page_carries_is_said_to_be_lost(desk: Client) -> None:
    answer = desk.post("/admin/accounts/site/add/", {"name": "x" * 1_100_000}, **PAGE)
    assert "could not be kept" in answer.content.decode()


def test_a_part_of_a_page_is_told_where_to_confirm(desk: Client) -> None:
    answer = desk.post("/studies/export.csv", HTTP_HX_REQUEST="true", HTTP_HX_CURRENT_URL="http://testserver/?q=1")
    assert answer.status_code == 403
    assert answer["X-Confirm"] == f"{CONFIRM}?act=export&next=%2F%3Fq%3D1"


def test_many_studies_leave_after_a_proof_and_one_without(client: Client, alice: User) -> None:
    client.force_login(alice)
    age(client)
    assert client.post("/studies/download", {"study": ["1.2.3"]}, **PAGE).status_code == 403
    assert client.post("/studies/export.csv", {}, **PAGE).status_code == 403
    # One study is care: it is not there, and no proof is asked.
    assert client.get("/studies/1.2.3/download").status_code == 404


@pytest.mark.parametrize(
    "shown", [{"password": "wrong"}, {}, {"code": "123456"}, {"credential": "{}"}, {"password": "x" * 400}]
)
def test_what_proves_nothing_is_refused_and_audited(desk: Client, shown: dict[str, str]) -> None:
    answer = desk.post(CONFIRM, shown, HTTP_ACCEPT="application/json")
    assert answer.status_code == 400
    assert desk.get("/admin/accounts/site/add/").status_code == 302
    assert AuditEvent.objects.filter(action=Action.USER_REFUSED).count() == 1


def test_guessing_at_the_confirmation_waits(desk: Client) -> None:
    for _attempt in range(5):
        desk.post(CONFIRM, {"password": "wrong"})
    assert b"Too many failed attempts" in desk.post(CONFIRM, {"password": PASSWORD}).content
    assert AuditEvent.objects.filter(action=Action.SECURITY_ALERTED).count() == 1
    desk.post(CONFIRM, {"password": PASSWORD})
    assert desk.get("/admin/accounts/site/add/").status_code == 302


def test_who_has_a_second_factor_shows_that_and_not_the_password(client: Client, alice: User, with_app: Any) -> None:
    client.force_login(alice)
    age(client)
    assert client.post(CONFIRM, {"password": PASSWORD}, HTTP_ACCEPT="application/json").status_code == 400
    assert client.post(CONFIRM, {"code": code()}, HTTP_ACCEPT="application/json").status_code == 200
    assert client.post("/studies/export.csv", {}, **PAGE).status_code != 403


def test_where_a_passkey_is_asked_for_nothing_else_does(
    client: Client, alice: User, passkey: SoftwareKey, rules: Any
) -> None:
    rules(passkey_acts=[Act.EXPORT])
    codes = recovery_codes.make(alice)
    client.force_login(alice)
    assert client.post("/studies/export.csv", {}, **PAGE).status_code == 403
    for shown in ({"password": PASSWORD}, {"code": codes[0]}):
        assert client.post(CONFIRM, {"act": "export", **shown}, HTTP_ACCEPT="application/json").status_code == 400
    assert recovery_codes.left(alice) == 10
    # A proof for a lighter act is none for this one.
    client.post(CONFIRM, {"act": "own_account", "code": codes[0]}, HTTP_ACCEPT="application/json")
    assert client.post("/studies/export.csv", {}, **PAGE).status_code == 403
    shown = passkey.shown(options(client, "confirm"))
    assert client.post(CONFIRM, {"act": "export", "credential": shown}).status_code == 302
    assert client.post("/studies/export.csv", {}, **PAGE).status_code != 403


def test_who_has_no_passkey_is_told_how_to_get_one(client: Client, alice: User, rules: Any) -> None:
    rules(passkey_acts=[Act.EXPORT])
    client.force_login(alice)
    page = client.get(f"{CONFIRM}?act=export&next=/").content.decode()
    assert "your account has none yet" in page
    assert 'name="password"' not in page.split('id="proof"')[1].split("</main>")[0]


def test_one_returns_to_this_house_only(desk: Client) -> None:
    assert desk.post(CONFIRM, {"password": PASSWORD, "next": "https://evil.example/"})["Location"] == "/"
    page = desk.get(f"{CONFIRM}?act=nonsense&next=//evil.example/").content.decode()
    assert "evil" not in page.split('id="proof"')[1].split('class="hint row')[0]


def test_a_stranger_confirms_nothing(client: Client) -> None:
    assert client.get(CONFIRM)["Location"].startswith(reverse("account_login"))
    answer = client.post("/studies/export.csv")
    assert answer["Location"].startswith(reverse("account_login"))


def test_what_the_policy_leaves_out_is_not_asked_for(client: Client, alice: User, rules: Any) -> None:
    rules(confirmed_acts=[Act.ADMINISTRATION])
    client.force_login(alice)
    age(client, 4000)
    assert client.post("/studies/export.csv", {}, **PAGE).status_code != 403


def test_the_rules_of_production_ask_everybody_and_those_of_a_demo_nobody(settings: Any, db: None) -> None:
    settings.DEMO = True
    assert (SignInPolicy().mfa_roles, SignInPolicy().passkey_acts) == ([], [])
    settings.DEMO = False
    assert set(SignInPolicy().mfa_roles) == set(Role.values)
    assert SignInPolicy().passkey_roles == [Role.ADMINISTRATOR]
    assert Act.BREAK_GLASS in SignInPolicy().passkey_acts
    SignInPolicy().full_clean()


def test_who_must_enrol_sees_nothing_before(client: Client, alice: User, rules: Any) -> None:
    rules(mfa_roles=[Role.CLINICIAN])
    sign_in(client)
    assert client.get("/?q=1")["Location"] == "/account/security/enrol/?next=%2F%3Fq%3D1"
    assert client.get("/", HTTP_HX_REQUEST="true").status_code == 403
    for door in ("/dicom-web/studies", "/api/v1/studies"):
        assert client.get(door).status_code == 403, door
    page = client.get("/account/security/enrol/").content.decode()
    assert "Set up an authenticator app" in page


def test_days_of_grace_are_counted_from_the_account_s_first(client: Client, alice: User, rules: Any) -> None:
    from datetime import timedelta

    from django.utils import timezone

    rules(mfa_roles=[Role.CLINICIAN], grace_days=3)
    client.force_login(alice)
    assert client.get("/").status_code == 200
    assert "before your days to do so are over" in client.get("/account/security/").content.decode()
    User.objects.update(date_joined=timezone.now() - timedelta(days=4))
    from accounts.signing_in import enrolment

    enrolment.forget_all()
    assert client.get("/").status_code == 302


def test_a_new_version_of_the_rules_is_made_and_none_is_changed(client: Client, db: None) -> None:
    client.force_login(UserFactory.create(username="root", is_staff=True, is_superuser=True))
    form = {
        "confirmed_acts": [str(Act.EXPORT)],
        "passkey_acts": [str(Act.KEYS)],
        "grace_days": 0,
        "idle_minutes": 10,
        "absolute_hours": 12,
        "step_up_minutes": 5,
        "link_hours": 24,
    }
    page = client.post("/admin/accounts/signinpolicy/add/", form).content.decode()
    assert "Tick it above as well" in page
    form["passkey_acts"] = [str(Act.EXPORT)]
    assert client.post("/admin/accounts/signinpolicy/add/", form).status_code == 302
    row = SignInPolicy.objects.get()
    assert (row.idle_minutes, row.passkey_acts, row.made_by.username) == (10, ["export"], "root")
    event = AuditEvent.objects.get(action=Action.SIGN_IN_POLICY_CHANGED)
    assert event.detail["changed"]["idle_minutes"] == {"from": 15, "to": 10}
    assert client.post(f"/admin/accounts/signinpolicy/{row.pk}/change/", form).status_code == 403
    assert client.post(f"/admin/accounts/signinpolicy/{row.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    "wrong", [{"idle_minutes": 0}, {"absolute_hours": 48}, {"mfa_roles": ["god"]}, {"passkey_acts": 7}]
)
def test_rules_that_make_no_sense_are_refused(rules: Any, wrong: dict[str, Any]) -> None:
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError):
        rules(**wrong)
