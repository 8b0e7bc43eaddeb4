"""Linking an identity to one's own account, confirming with it, and logging out from behind."""

import base64
import time
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actor import SYSTEM
from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.federation import services
from accounts.models import FederatedIdentity, FederatedSession, IdentityProvider, Membership, User
from accounts.signing_in import totp
from tests.accounts.federation.conftest import BEGIN, CLIENT, Comes
from tests.factories.accounts import PASSWORD

pytestmark = pytest.mark.django_db
EVENT = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT = "/account/sso/hospital/back-channel-logout/"
GROUPS = ["pacs-emergency"]


def is_in(client: Client) -> bool:
    return client.get(reverse("federation:identities")).status_code == 200


def signs_in(client: Client, person: User) -> None:
    assert client.post(reverse("account_login"), {"login": person.username, "password": PASSWORD}).status_code == 302


def test_a_person_links_the_hospitals_account_and_comes_in_with_it(
    comes: Comes, client: Client, hospital: IdentityProvider, charlie: User
) -> None:
    signs_in(client, charlie)
    assert reverse("federation:identities") in client.get("/account/security/").content.decode()
    answer = comes(begin=BEGIN + "?for=link", sub="c-1", groups=GROUPS, preferred_username="charlie")
    assert (answer.status_code, answer["Location"]) == (302, reverse("federation:identities"))
    assert FederatedIdentity.objects.get(user=charlie).subject == "c-1"
    assert "The hospital&#x27;s account" in client.get(answer["Location"]).content.decode()
    other = Client()
    comes(browser=other, sub="c-1", groups=GROUPS)
    assert other.session["_auth_user_id"] == str(charlie.pk)
    assert Membership.objects.get(user=charlie).given_by == hospital


def test_nobody_links_what_belongs_to_another_account(
    comes: Comes, client: Client, hospital: IdentityProvider, alice: User, charlie: User
) -> None:
    FederatedIdentity.objects.create(provider=hospital, issuer=hospital.issuer, subject="c-1", user=charlie)
    signs_in(client, alice)
    assert comes(begin=BEGIN + "?for=link", sub="c-1").status_code == 403
    FederatedIdentity.objects.create(provider=hospital, issuer=hospital.issuer, subject="a-1", user=alice)
    assert comes(begin=BEGIN + "?for=link", sub="a-2").status_code == 403
    assert FederatedIdentity.objects.get(user=alice).subject == "a-1"


def test_a_link_begun_by_one_person_ends_with_no_other(
    comes: Comes, client: Client, hospital: IdentityProvider, alice: User, bob: User, liar: Any
) -> None:
    signs_in(client, alice)
    sent = client.get(BEGIN + "?for=link")["Location"]
    kept = dict(client.session["federation"])
    client.force_login(bob)
    session = client.session
    session["federation"] = kept
    session.save()
    (state, errand) = next(iter(kept.items()))
    liar.id_token = liar.sign(liar.claims(nonce=errand["nonce"]))
    assert sent
    assert client.get("/account/sso/hospital/callback/", {"code": "a", "state": state}).status_code == 403
    assert not FederatedIdentity.objects.exists()


@pytest.mark.parametrize(
    "auth_time", [None, int(time.time()) - 7200, "soon", True], ids=["none", "two hours ago", "words", "true"]
)
def test_a_confirmation_without_a_fresh_proof_is_none(
    comes: Comes, client: Client, hospital: IdentityProvider, auth_time: Any
) -> None:
    comes(sub="c-1", groups=GROUPS)
    begin = BEGIN + "?for=confirm&next=/account/identities/"
    answer = comes(begin=begin, sub="c-1", auth_time=auth_time)
    assert answer.status_code == 403
    assert not AuditEvent.objects.filter(action=Action.USER_CONFIRMED).exists()
    assert comes(begin=begin, sub="c-1", acr="urn:test:passkey")["Location"] == "/account/identities/"
    assert client.session["proofs"]["shown"][-1]["resists"]


def test_one_factor_there_confirms_nothing_for_who_has_two_here(
    comes: Comes, client: Client, hospital: IdentityProvider
) -> None:
    comes(sub="c-1", groups=GROUPS)
    totp.add(FederatedIdentity.objects.get().user, totp.new_secret(), 0)
    begin = BEGIN + "?for=confirm&next=/account/identities/"
    assert comes(begin=begin, sub="c-1").status_code == 403
    assert comes(begin=begin, sub="c-1", amr=["pwd", "otp"])["Location"] == "/account/identities/"
    assert AuditEvent.objects.filter(action=Action.USER_CONFIRMED).count() == 1


def test_a_confirmation_asks_the_provider_to_ask_again(
    comes: Comes, client: Client, hospital: IdentityProvider
) -> None:
    IdentityProvider.objects.update(acr_step_up=["urn:test:passkey"])
    comes(sub="c-1", groups=GROUPS)
    sent = client.get(BEGIN + "?for=confirm")["Location"]
    for part in ("prompt=login", "max_age=0", "acr_values=urn%3Atest%3Apasskey"):
        assert part in sent


def test_unlinking_ends_the_sessions_and_what_rules_gave(
    comes: Comes, client: Client, hospital: IdentityProvider, charlie: User
) -> None:
    signs_in(client, charlie)
    comes(begin=BEGIN + "?for=link", sub="c-1", groups=GROUPS)
    other = Client()
    comes(browser=other, sub="c-1", groups=GROUPS)
    pk = FederatedIdentity.objects.get().pk
    stranger = Client()
    comes(browser=stranger, sub="d-1", groups=GROUPS)
    assert stranger.post(reverse("federation:unlink", args=[pk])).status_code == 404
    assert client.post(reverse("federation:unlink", args=[pk])).status_code == 302
    assert not FederatedIdentity.objects.filter(pk=pk).exists()
    assert not is_in(other)
    assert is_in(client)
    assert Membership.objects.get(user=charlie).valid_until is not None
    assert AuditEvent.objects.filter(action=Action.IDENTITY_UNLINKED).count() == 1


def test_the_only_way_in_stays(comes: Comes, client: Client, hospital: IdentityProvider) -> None:
    comes(sub="c-1", groups=GROUPS)
    identity = FederatedIdentity.objects.get()
    client.post(reverse("federation:unlink", args=[identity.pk]))
    assert FederatedIdentity.objects.filter(pk=identity.pk).exists()


def logout_token(liar: Any, **changes: Any) -> str:
    now = int(time.time())
    said = {"iss": liar.issuer, "aud": CLIENT, "iat": now, "exp": now + 120, "jti": f"j-{time.monotonic_ns()}"}
    said |= {"sub": "c-1", "sid": "s-1", "events": {EVENT: {}}, **changes}
    kept = {name: value for name, value in said.items() if value is not None}
    token: str = liar.sign(kept, headers={"typ": "logout+jwt"})
    return token


@pytest.mark.parametrize("changes", [{}, {"sid": None}, {"sub": None}])
def test_a_back_channel_logout_ends_the_session_at_once(
    comes: Comes, client: Client, hospital: IdentityProvider, liar: Any, changes: dict[str, Any]
) -> None:
    comes(sub="c-1", sid="s-1", groups=GROUPS)
    other = Client()
    comes(browser=other, sub="d-1", sid="s-2", groups=GROUPS)
    outside = Client(enforce_csrf_checks=True)
    answer = outside.post(LOGOUT, {"logout_token": logout_token(liar, **changes)})
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert not is_in(client)
    assert is_in(other)
    assert FederatedSession.objects.count() == 1
    assert AuditEvent.objects.filter(action=Action.SESSION_ENDED).count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"events": {}},
        {"events": None},
        {"nonce": "n"},
        {"sub": None, "sid": None},
        {"jti": None},
        {"aud": "somebody-else"},
        {"iss": "https://elsewhere.example"},
        {"exp": 1},
        {"iat": 1},
    ],
)
def test_any_other_logout_token_ends_nothing(
    comes: Comes, client: Client, hospital: IdentityProvider, liar: Any, changes: dict[str, Any]
) -> None:
    comes(sub="c-1", sid="s-1", groups=GROUPS)
    assert client.post(LOGOUT, {"logout_token": logout_token(liar, **changes)}).status_code == 400
    assert is_in(client)


def test_an_id_token_is_no_logout_token_and_none_is_taken_twice(
    comes: Comes, client: Client, hospital: IdentityProvider, liar: Any
) -> None:
    comes(sub="c-1", sid="s-1", groups=GROUPS)
    assert client.post(LOGOUT, {"logout_token": liar.id_token}).status_code == 400
    assert client.post(LOGOUT).status_code == 400
    once = logout_token(liar, sub="nobody", sid="s-9")
    assert [client.post(LOGOUT, {"logout_token": once}).status_code for _ in range(2)] == [200, 400]
    assert is_in(client)


@pytest.mark.parametrize(
    "head", [b'{"alg": ["RS256"]}', b'{"alg": {}}', b'{"alg": "none"}', b"[" * 20_000], ids=range(4)
)
def test_what_is_no_token_is_refused_and_not_on_record_without_end(
    client: Client, hospital: IdentityProvider, head: bytes
) -> None:
    token = base64.urlsafe_b64encode(head).rstrip(b"=").decode() + ".e30.AAAA"
    for _knock in range(65):
        assert client.post(LOGOUT, {"logout_token": token}).status_code == 400
    assert AuditEvent.objects.filter(action=Action.USER_REFUSED).count() <= 60


def test_a_provider_switched_off_ends_its_sessions(comes: Comes, client: Client, hospital: IdentityProvider) -> None:
    comes(sub="c-1", groups=GROUPS)
    assert services.end_all_sessions_of(actor=SYSTEM, provider=hospital) == 1
    assert not is_in(client)
