"""Administrators and providers: the secret goes in only, a trial says what is wrong, rules that change end what they gave."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.models import ClaimRule, Department, FederatedSession, IdentityProvider, Membership, OutboundHost, User
from tests.accounts.federation.conftest import Comes
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(db: None) -> Client:
    """A browser in which an administrator has just signed in."""
    UserFactory.create(username="root", is_staff=True, is_superuser=True)
    browser = Client()
    browser.post(reverse("account_login"), {"login": "root", "password": PASSWORD})
    return browser


def page(provider: IdentityProvider) -> str:
    return reverse("admin:accounts_identityprovider_change", args=[provider.pk])


def filled(provider: IdentityProvider, **changes: Any) -> dict[str, Any]:
    """The form of a provider with its rules, as a browser would send it."""
    rules = list(provider.rules.all())
    fields: dict[str, Any] = {
        **{name: getattr(provider, name) for name in ("name", "slug", "protocol", "issuer", "client_id", "admits")},
        "client_authentication": provider.client_authentication,
        "position": 10,
        "is_active": "on",
        "scopes": "profile email",
        "rules-TOTAL_FORMS": len(rules),
        "rules-INITIAL_FORMS": len(rules),
    }
    for number, rule in enumerate(rules):
        said = {"id": rule.pk, "provider": provider.pk, "claim": rule.claim, "value": rule.value, "role": rule.role}
        said |= {"department": rule.department_id, "lasts_days": rule.lasts_days, "is_active": "on"}
        fields |= {f"rules-{number}-{name}": value for name, value in said.items()}
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


def test_the_secret_goes_in_and_never_comes_out(office: Client, hospital: IdentityProvider) -> None:
    before = hospital.sealed_secret
    answer = office.post(page(hospital), filled(hospital, secret="another-secret"))
    assert answer.status_code == 302
    hospital.refresh_from_db()
    assert hospital.sealed_secret not in {before, ""}
    shown = office.get(page(hospital)).content.decode()
    assert "another-secret" not in shown
    assert hospital.sealed_secret not in shown
    kept = hospital.sealed_secret
    office.post(page(hospital), filled(hospital))
    hospital.refresh_from_db()
    assert hospital.sealed_secret == kept
    assert "another-secret" not in str(list(AuditEvent.objects.values()))
    assert AuditEvent.objects.filter(action=Action.IDENTITY_PROVIDER_CHANGED).exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "http://idp.example"},
        {"issuer": "https://user:pass@idp.example"},
        {"issuer": "https://idp.example/?a=b"},
        {"issuer": "javascript:alert(1)"},
        {"issuer": ""},
        {"client_id": ""},
        {"scopes": 'a"b'},
        {"rules-0-value": "*"},
        {"rules-0-value": "a*b*c*d*e"},
        {"rules-0-claim": "a..b"},
        {"required_claim": "x"},
    ],
)
def test_what_cannot_be_is_refused(office: Client, hospital: IdentityProvider, changes: dict[str, str]) -> None:
    assert office.post(page(hospital), filled(hospital, **changes)).status_code == 200


def test_a_rule_that_is_changed_or_deleted_ends_what_it_gave(
    office: Client, comes: Comes, hospital: IdentityProvider
) -> None:
    comes(sub="c-1", groups=["pacs-emergency"])
    office.post(page(hospital), filled(hospital, **{"rules-0-lasts_days": 30}))
    assert Membership.objects.active_at(timezone.now()).count() == 1
    office.post(page(hospital), filled(hospital, **{"rules-0-value": "another"}))
    assert not Membership.objects.active_at(timezone.now()).exists()
    ClaimRule.objects.update(value="pacs-emergency")
    comes(browser=Client(), sub="c-1", groups=["pacs-emergency"])
    office.post(page(hospital), filled(hospital, **{"rules-0-DELETE": "on"}))
    assert not Membership.objects.active_at(timezone.now()).exists()
    assert not ClaimRule.objects.exists()


def test_switching_off_ends_sessions_and_used_ones_are_not_deleted(
    office: Client, comes: Comes, hospital: IdentityProvider
) -> None:
    comes(sub="c-1", groups=["pacs-emergency"])
    office.post(page(hospital), filled(hospital, is_active=None))
    assert not FederatedSession.objects.exists()
    office.post(reverse("admin:accounts_identityprovider_delete", args=[hospital.pk]), {"post": "yes"})
    assert IdentityProvider.objects.exists()


def test_a_trial_says_what_is_good_and_what_is_wrong(office: Client, hospital: IdentityProvider, liar: Any) -> None:
    address = reverse("admin:accounts_identityprovider_try", args=[hospital.pk])
    assert "/account/sso/hospital/callback/" in office.get(address).content.decode()
    assert not liar.asked
    assert "publishes its metadata" in office.post(address).content.decode()
    OutboundHost.objects.all().delete()
    assert "is not listed" in office.post(address).content.decode()


def test_a_dry_run_says_what_claims_would_give_and_keeps_nothing(office: Client, hospital: IdentityProvider) -> None:
    address = reverse("admin:accounts_identityprovider_dry_run", args=[hospital.pk])
    claims = {"groups": ["pacs-emergency", "<script>alert(1)</script>"], "acr": "urn:test:passkey", "sub": "SECRET-7"}
    said = office.post(address, {"claims": json.dumps(claims)}).content.decode()
    assert "comes in, and gets" in said
    assert "phishing-resistant" in said
    assert "<script>alert" not in said
    assert "No rule gives" in office.post(address, {"claims": "{}"}).content.decode()
    for nonsense in ("nonsense", "[1]", "[" * 50_000):
        assert office.post(address, {"claims": nonsense}).status_code == 200
    assert not User.objects.exclude(username="root").exists()
    assert "SECRET-7" not in str(list(AuditEvent.objects.values()))


def test_staff_without_the_permission_see_none_of_it(hospital: IdentityProvider, emergency: Department) -> None:
    UserFactory.create(username="clerk", is_staff=True)
    browser = Client()
    browser.post(reverse("account_login"), {"login": "clerk", "password": PASSWORD})
    for name in ("change", "try", "dry_run"):
        answer = browser.get(reverse(f"admin:accounts_identityprovider_{name}", args=[hospital.pk]))
        assert answer.status_code in {302, 403}
