"""Providers, listed here as an administrator would, and a browser that carries questions to them."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.federation import services
from accounts.models import ClaimRule, Department, IdentityProvider, OutboundHost
from accounts.roles import Role
from tests.oidc_provider import crooked
from tests.oidc_provider.crooked import CLIENT, CrookedProvider

HERE = ["127.0.0.0/8", "::1"]
BEGIN = "/account/sso/hospital/"
CALLBACK = "/account/sso/hospital/callback/"


def listed(issuer: str, **changes: Any) -> IdentityProvider:
    """Put a provider, and its host, on the lists."""
    secret = str(changes.pop("secret", "secret"))
    port = urlsplit(issuer).port
    OutboundHost.objects.create(host="localhost", port=port, purpose="sign-in", networks=HERE)
    values = {
        "name": "Hospital",
        "slug": "hospital",
        "label": "The hospital's account",
        "issuer": issuer,
        "client_id": CLIENT,
        "scopes": ["profile", "email"],
        "amr_mfa": ["otp"],
        "acr_mfa": ["urn:test:mfa"],
        "acr_phishing_resistant": ["urn:test:passkey"],
        **changes,
    }
    row = IdentityProvider(**values)
    services.set_secret(row, secret)
    row.full_clean()
    row.save()
    return row


def rule(
    provider: IdentityProvider,
    department: Department,
    *,
    value: str = "pacs-emergency",
    claim: str = "groups",
    **more: Any,
) -> ClaimRule:
    """A rule: who is in the group is a clinician of the department."""
    made: ClaimRule = ClaimRule.objects.create(
        provider=provider, department=department, claim=claim, value=value, **{"role": Role.CLINICIAN, **more}
    )
    return made


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(scope="session")
def _one_crooked() -> Iterator[CrookedProvider]:
    with crooked.running() as found:
        yield found


@pytest.fixture
def liar(_one_crooked: CrookedProvider) -> CrookedProvider:
    """A provider that says what the test has it say."""
    _one_crooked.metadata, _one_crooked.answers, _one_crooked.asked = {}, {}, []
    _one_crooked.id_token, _one_crooked.userinfo, _one_crooked.kid = "", None, "key-1"
    return _one_crooked


@pytest.fixture
def hospital(liar: CrookedProvider, emergency: Department) -> IdentityProvider:
    """That provider, listed, with a rule for the emergency department."""
    provider = listed(liar.issuer)
    rule(provider, emergency)
    return provider


Comes = Callable[..., Any]


@pytest.fixture
def comes(client: Client, liar: CrookedProvider) -> Comes:
    """`comes(sub=…, groups=[…])` goes to the provider and back with an ID token of these claims; returns the portal's answer.

    `signed` makes the token in another way, `answer` changes the parameters that the browser brings back.
    """

    def go(
        *,
        browser: Client = client,
        begin: str = BEGIN,
        signed: Callable[[dict[str, Any]], str] | None = None,
        answer: dict[str, str | None] | None = None,
        **claims: Any,
    ) -> Any:
        sent = browser.get(begin)
        assert sent.status_code == 302
        asked = {name: values[0] for name, values in parse_qs(urlsplit(sent["Location"]).query).items()}
        said = liar.claims(**{"nonce": asked["nonce"], **claims})
        liar.id_token = signed(said) if signed else liar.sign(said)
        brought = {"code": "a-code", "state": asked["state"], **(answer or {})}
        return browser.get(CALLBACK, {name: value for name, value in brought.items() if value is not None})

    return go
