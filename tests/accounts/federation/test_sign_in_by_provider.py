"""Signing in by a provider: what is believed, what is refused, and what a person gets by it."""

import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.test import Client
from django.utils import timezone

from accounts.actor import SYSTEM
from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.models import ClaimRule, Department, FederatedIdentity, IdentityProvider, Membership, User
from accounts.roles import Role
from accounts.services import add_membership
from accounts.signing_in import proofs
from tests.accounts.federation.conftest import BEGIN, CALLBACK, CLIENT, Comes, rule
from tests.factories.accounts import UserFactory
from tests.oidc_provider.crooked import CrookedProvider, new_key

pytestmark = pytest.mark.django_db
ANNA = {"sub": "anna-1", "groups": ["pacs-emergency"], "preferred_username": "anna", "name": "Anna Weber"}


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def held(user: User) -> set[tuple[str, str]]:
    rows = Membership.objects.active_at(timezone.now()).filter(user=user)
    return set(rows.values_list("department__code", "role"))


def why() -> dict[str, Any]:
    """What the audit says of the last refusal."""
    event = AuditEvent.objects.filter(action=Action.USER_REFUSED).order_by("at", "id").last()
    assert event is not None
    return dict(event.detail)


def test_a_new_person_whom_a_rule_gives_something_comes_in(
    comes: Comes, client: Client, hospital: IdentityProvider
) -> None:
    answer = comes(**ANNA, email="anna@hospital.example", email_verified=True)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert is_in(client)
    anna = User.objects.get(username="anna")
    assert (anna.display_name, anna.email) == ("Anna Weber", "anna@hospital.example")
    assert not anna.has_usable_password()
    assert not anna.is_staff
    assert held(anna) == {("emergency", "clinician")}
    row = Membership.objects.get(user=anna)
    assert row.given_by == hospital
    assert row.valid_until is not None
    assert timedelta(days=89) < row.valid_until - timezone.now() <= timedelta(days=90)
    told = list(AuditEvent.objects.order_by("at", "id").values_list("action", flat=True))
    for action in (Action.USER_CREATED, Action.IDENTITY_LINKED, Action.MEMBERSHIP_STARTED, Action.USER_SIGNED_IN):
        assert action in told
    assert "an-access-token" not in str(list(AuditEvent.objects.values()))


def test_the_question_carries_pkce_state_and_nonce(
    client: Client, hospital: IdentityProvider, comes: Comes, liar: CrookedProvider
) -> None:
    comes(**ANNA)
    (_path, headers, form) = next(entry for entry in liar.asked if entry[0] == "/token")
    assert form["grant_type"] == ["authorization_code"]
    assert len(form["code_verifier"][0]) >= 43
    assert form["redirect_uri"] == ["http://testserver/account/sso/hospital/callback/"]
    assert headers["authorization"].startswith("Basic ")
    assert "secret" not in str(form)


def test_the_next_person_at_a_shared_computer_is_not_let_in_as_the_last(
    comes: Comes, client: Client, hospital: IdentityProvider
) -> None:
    """The provider still has the session of whoever was here before."""
    assert "prompt=" not in client.get(BEGIN)["Location"]
    comes(**ANNA)
    client.post("/account/switch/")
    assert not is_in(client)
    assert "prompt=login" in client.get(BEGIN)["Location"]


def test_the_same_subject_is_the_same_person_whatever_the_names_say(comes: Comes, hospital: IdentityProvider) -> None:
    comes(**ANNA)
    comes(browser=Client(), **{**ANNA, "preferred_username": "renamed", "email": "other@hospital.example"})
    assert FederatedIdentity.objects.count() == 1
    assert not User.objects.filter(username="renamed").exists()


@pytest.mark.parametrize(
    "same", [{"email": "alice@hospital.example", "email_verified": True}, {"preferred_username": "Alice"}]
)
def test_another_subject_with_the_same_name_or_address_opens_no_account(
    comes: Comes, client: Client, hospital: IdentityProvider, alice: User, same: dict[str, Any]
) -> None:
    answer = comes(**{**ANNA, **same})
    assert answer.status_code == 403
    assert "already" in answer.content.decode()
    assert not is_in(client)
    assert not FederatedIdentity.objects.filter(user=alice).exists()
    assert User.objects.count() == 1


def test_a_name_that_is_another_s_address_opens_no_account_either(comes: Comes, hospital: IdentityProvider) -> None:
    UserFactory.create(username="someone", email="someone@hospital.example")
    taken = {**ANNA, "preferred_username": "Someone@hospital.example"}
    assert comes(**taken).status_code == 403
    assert why()["code"] == "address_taken"
    assert not FederatedIdentity.objects.exists()


def test_who_gets_nothing_by_a_rule_gets_no_account(comes: Comes, client: Client, hospital: IdentityProvider) -> None:
    answer = comes(**{**ANNA, "groups": ["pacs-emergency-x", "PACS-EMERGENCY", {"pacs-emergency": 1}]})
    assert answer.status_code == 403
    assert "may not come in" in answer.content.decode()
    assert not is_in(client)
    assert not User.objects.exists()


def test_a_required_claim_keeps_others_out_and_ends_what_they_had(comes: Comes, hospital: IdentityProvider) -> None:
    comes(**ANNA)
    IdentityProvider.objects.update(required_claim="employee", required_value="true")
    anna = User.objects.get()
    other = Client()
    assert comes(browser=other, **ANNA, employee=False).status_code == 403
    assert not is_in(other)
    assert held(anna) == set()
    assert comes(browser=other, **ANNA, employee=True).status_code == 302
    assert held(anna) == {("emergency", "clinician")}


def test_only_known_people_come_in_where_the_row_says_so(comes: Comes, hospital: IdentityProvider) -> None:
    IdentityProvider.objects.update(admits="known")
    assert comes(**ANNA).status_code == 403
    assert not User.objects.exists()


def test_what_a_claim_gave_ends_with_it_and_what_people_gave_stays(
    comes: Comes, hospital: IdentityProvider, emergency: Department, orthopaedics: Department
) -> None:
    rule(hospital, orthopaedics, value="pacs-*-chief", role=Role.DEPARTMENT_MANAGER)
    comes(**{**ANNA, "groups": ["pacs-emergency", "pacs-ortho-chief"]})
    anna = User.objects.get()
    by_hand = add_membership(actor=SYSTEM, user=anna, department=emergency, role=Role.RADIOGRAPHER)
    assert len(held(anna)) == 3
    comes(browser=Client(), **{**ANNA, "groups": ["pacs-emergency"]})
    assert held(anna) == {("emergency", "clinician"), ("emergency", "radiographer")}
    comes(browser=Client(), **{**ANNA, "groups": None})
    assert held(anna) == {("emergency", "radiographer")}
    by_hand.refresh_from_db()
    assert by_hand.given_by is None
    assert AuditEvent.objects.filter(action=Action.MEMBERSHIP_ENDED).count() == 2


def test_signing_in_again_prolongs_and_gives_nothing_twice(comes: Comes, hospital: IdentityProvider) -> None:
    comes(**ANNA)
    Membership.objects.update(valid_until=timezone.now() + timedelta(days=1))
    comes(browser=Client(), **ANNA)
    row = Membership.objects.get()
    assert row.valid_until is not None
    assert row.valid_until > timezone.now() + timedelta(days=80)


def test_a_rule_switched_off_or_of_a_closed_department_gives_nothing(
    comes: Comes, hospital: IdentityProvider, emergency: Department
) -> None:
    ClaimRule.objects.update(is_active=False)
    assert comes(**ANNA).status_code == 403
    ClaimRule.objects.update(is_active=True)
    Department.objects.filter(pk=emergency.pk).update(is_active=False)
    assert comes(**ANNA).status_code == 403


def test_an_account_that_is_switched_off_stays_so(comes: Comes, client: Client, hospital: IdentityProvider) -> None:
    comes(**ANNA)
    User.objects.update(is_active=False)
    other = Client()
    answer = comes(browser=other, **ANNA)
    assert answer.status_code == 403
    assert "switched off" in answer.content.decode()
    assert not is_in(other)
    assert not User.objects.get().is_active


@pytest.mark.parametrize(
    ("claims", "mfa", "resistant"),
    [
        ({}, False, False),
        ({"acr": "urn:test:password", "amr": ["pwd"]}, False, False),
        ({"amr": ["pwd", "otp"]}, True, False),
        ({"acr": "urn:test:mfa"}, True, False),
        ({"acr": "urn:test:passkey"}, True, True),
        ({"acr": ["urn:test:passkey"], "amr": "otp"}, False, False),
    ],
)
def test_a_sign_in_is_worth_what_the_row_says_of_acr_and_amr(
    comes: Comes, client: Client, hospital: IdentityProvider, claims: dict[str, Any], mfa: bool, resistant: bool
) -> None:
    comes(**ANNA, **claims)
    (shown,) = client.session["proofs"]["shown"]
    assert (shown["method"], shown["strong"], shown["resists"]) == (proofs.Method.FEDERATED, mfa, resistant)


def test_a_session_of_the_provider_that_is_hours_old_is_no_fresh_proof(
    comes: Comes, client: Client, hospital: IdentityProvider
) -> None:
    comes(**ANNA, auth_time=int(time.time()) - 7200)
    assert client.session["proofs"]["shown"][0]["at"] < time.time() - 7000
    other = Client()
    comes(browser=other, **ANNA, auth_time=None)
    assert other.session["proofs"]["shown"][0]["at"] < time.time() - 7000


def with_secret(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, "secret-that-both-sides-know-and-is-long", algorithm="HS256", headers={"kid": "key-1"})


def unsigned(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, None, algorithm="none", headers={"kid": "key-1"})


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"aud": "somebody-else"}, "InvalidAudienceError"),
        ({"aud": [CLIENT, "somebody-else"]}, "azp"),
        ({"aud": [CLIENT, "somebody-else"], "azp": "somebody-else"}, "azp"),
        ({"azp": "somebody-else"}, "azp"),
        ({"aud": None}, "MissingRequiredClaimError"),
        ({"iss": "https://elsewhere.example"}, "InvalidIssuerError"),
        ({"iss": None}, "MissingRequiredClaimError"),
        ({"exp": 1}, "ExpiredSignatureError"),
        ({"exp": None}, "MissingRequiredClaimError"),
        ({"iat": None}, "MissingRequiredClaimError"),
        ({"iat": 1}, "too old"),
        ({"iat": 4102444800}, "ImmatureSignatureError"),
        ({"sub": ""}, "sub"),
        ({"sub": None}, "sub"),
        ({"sub": "x" * 256}, "sub"),
        ({"sub": 12}, "InvalidSubjectError"),
        ({"at_hash": "bm90LXRoaXMtb25l"}, "at_hash"),
    ],
)
def test_an_id_token_that_is_not_for_us_now_is_refused(
    comes: Comes, client: Client, hospital: IdentityProvider, claims: dict[str, Any], reason: str
) -> None:
    answer = comes(**{**ANNA, **claims})
    assert answer.status_code == 403
    assert "could not be verified" in answer.content.decode()
    assert not is_in(client)
    assert not User.objects.exists()
    assert reason in why()["why"]


def test_a_token_signed_otherwise_is_refused(
    comes: Comes, client: Client, hospital: IdentityProvider, liar: Any
) -> None:
    stranger = new_key()
    for signed, reason in (
        (unsigned, "algorithm"),
        (with_secret, "algorithm"),
        (lambda claims: liar.sign(claims, key=stranger), "InvalidSignatureError"),
        (lambda claims: liar.sign(claims, headers={"kid": "unknown"}), "unknown key"),
        (lambda claims: liar.sign(claims, headers={"crit": ["b64"], "b64": True}), "crit"),
        (lambda claims: "not.a.token", "DecodeError"),
        (lambda claims: liar.sign(claims) + "x" * 70_000, "too long"),
    ):
        assert comes(signed=signed, **ANNA).status_code == 403
        assert reason in why()["why"] or "Error" in why()["why"], why()
    assert not is_in(client)


def test_keys_that_were_changed_are_fetched_again(comes: Comes, hospital: IdentityProvider, liar: Any) -> None:
    comes(**ANNA)
    liar.kid = "key-2"
    assert comes(browser=Client(), **ANNA).status_code == 302
    asked = [path for path, _headers, _form in liar.asked].count("/jwks")
    assert asked == 2


def test_an_answer_that_nobody_asked_for_is_refused(
    comes: Comes, client: Client, hospital: IdentityProvider, liar: Any
) -> None:
    answer = client.get(CALLBACK, {"code": "stolen", "state": "guessed"})
    assert answer.status_code == 403
    assert comes(answer={"state": None}).status_code == 403
    sent = client.get(BEGIN)["Location"]
    state = sent.split("state=")[1].split("&")[0]
    assert Client().get(CALLBACK, {"code": "a", "state": state}).status_code == 403
    assert client.get(CALLBACK, {"code": "a", "state": state}).status_code == 403
    assert why()["why"] != "unknown state"
    assert client.get(CALLBACK, {"code": "a", "state": state}).status_code == 403
    assert why()["why"] == "unknown state"


def test_an_answer_of_another_provider_is_refused(
    comes: Comes, client: Client, hospital: IdentityProvider, liar: Any
) -> None:
    other = IdentityProvider.objects.create(name="Other", slug="other", issuer="https://other.example", client_id="x")
    state = client.get(BEGIN)["Location"].split("state=")[1].split("&")[0]
    answer = client.get(f"/account/sso/{other.slug}/callback/", {"code": "a", "state": state})
    assert answer.status_code == 403
    assert comes(answer={"iss": "https://other.example"}, **ANNA).status_code == 403
    assert why()["why"] == "answer: iss"
    assert comes(answer={"iss": liar.issuer}, **ANNA).status_code == 302


def test_a_provider_that_names_itself_must_do_so(comes: Comes, hospital: IdentityProvider, liar: Any) -> None:
    liar.metadata = {"authorization_response_iss_parameter_supported": True}
    assert comes(**ANNA).status_code == 403
    assert comes(answer={"iss": liar.issuer}, **ANNA).status_code == 302


def test_a_cancelled_sign_in_says_so(comes: Comes, hospital: IdentityProvider) -> None:
    answer = comes(answer={"error": "access_denied", "code": None})
    assert "was not completed" in answer.content.decode()
    hostile = comes(answer={"error": "<script>alert(1)</script>", "code": None})
    assert b"<script>alert" not in hostile.content


def test_userinfo_of_somebody_else_is_refused_and_of_oneself_read(
    comes: Comes, client: Client, hospital: IdentityProvider, liar: Any
) -> None:
    IdentityProvider.objects.update(reads_userinfo=True)
    liar.userinfo = {"sub": "somebody-else", "groups": ["pacs-emergency"]}
    assert comes(sub="anna-1").status_code == 403
    liar.userinfo = {"sub": "anna-1", "groups": ["pacs-emergency"], "iss": "https://elsewhere.example", "acr": "x"}
    assert comes(sub="anna-1").status_code == 302
    liar.userinfo = liar.sign({"iss": liar.issuer, "aud": CLIENT, "sub": "anna-1", "groups": ["pacs-emergency"]})
    assert comes(browser=Client(), sub="anna-1").status_code == 302
    liar.userinfo = liar.sign({"iss": liar.issuer, "aud": CLIENT, "sub": "anna-1"}, key=new_key())
    assert comes(browser=Client(), sub="anna-1").status_code == 403


def test_a_link_from_another_site_signs_nobody_in_unasked(client: Client, hospital: IdentityProvider) -> None:
    answer = client.get(BEGIN, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert "Go on to" in answer.content.decode()


def test_one_goes_on_to_this_host_only(comes: Comes, client: Client, hospital: IdentityProvider) -> None:
    assert comes(begin=BEGIN + "?next=https://evil.example/", **ANNA)["Location"] == "/"
    other = Client()
    assert comes(browser=other, begin=BEGIN + "?next=/studies/1.2.3/", **ANNA)["Location"] == "/studies/1.2.3/"


def test_the_session_gets_another_key(comes: Comes, client: Client, hospital: IdentityProvider) -> None:
    client.get(BEGIN)
    before = client.session.session_key
    comes(**ANNA)
    assert client.session.session_key != before


def test_a_provider_that_is_switched_off_is_not_there(client: Client, hospital: IdentityProvider) -> None:
    assert "The hospital&#x27;s account" in client.get("/account/login/").content.decode()
    IdentityProvider.objects.update(is_active=False)
    assert client.get(BEGIN).status_code == 404
    assert client.get(CALLBACK).status_code == 404
    assert "The hospital&#x27;s account" not in client.get("/account/login/").content.decode()


def test_the_secret_lies_sealed(hospital: IdentityProvider) -> None:
    hospital.refresh_from_db()
    assert hospital.sealed_secret
    assert "secret" not in hospital.sealed_secret
