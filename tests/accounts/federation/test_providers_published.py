"""What a provider publishes, and what becomes of a sign-in when it does not, or when the cache is away."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import IdentityProvider, OutboundHost
from tests.accounts.federation.conftest import BEGIN, Comes
from tests.accounts.federation.test_sign_in_by_provider import ANNA, is_in, why
from tests.ports import free_port

pytestmark = pytest.mark.django_db


def test_a_provider_that_does_not_answer_leaves_the_password(
    client: Client, hospital: IdentityProvider, liar: Any
) -> None:
    liar.answers["/.well-known/openid-configuration"] = (503, {}, b"")
    answer = client.get(BEGIN)
    assert answer.status_code == 503
    assert "does not answer" in answer.content.decode()
    assert "/account/login/" in answer.content.decode()
    assert client.get("/account/login/").status_code == 200


def test_a_provider_that_is_away_keeps_only_the_first_waiting(client: Client, hospital: IdentityProvider) -> None:
    OutboundHost.objects.update(port=free_port())
    IdentityProvider.objects.update(issuer=f"http://localhost:{OutboundHost.objects.get().port}")
    assert client.get(BEGIN).status_code == 503
    assert why()["why"].startswith("outbound: ")
    assert client.get(BEGIN).status_code == 503
    assert why()["why"] == "metadata: did not answer a moment ago"


def test_without_the_cache_people_come_in_all_the_same(
    comes: Comes, client: Client, hospital: IdentityProvider, settings: Any
) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "unix:///nowhere/redis.sock",
        }
    }
    assert comes(**ANNA).status_code == 302
    assert is_in(client)


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://elsewhere.example"},
        {"token_endpoint": "http://elsewhere.example/token"},
        {"token_endpoint": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
        {"code_challenge_methods_supported": ["plain"]},
    ],
)
def test_a_provider_that_publishes_something_else_is_not_asked(
    client: Client, hospital: IdentityProvider, liar: Any, changes: dict[str, Any]
) -> None:
    liar.metadata = changes
    answer = client.get(BEGIN)
    assert answer.status_code == 403
    assert "not set up" in answer.content.decode()


def test_keys_and_tokens_come_only_from_listed_hosts(comes: Comes, hospital: IdentityProvider, liar: Any) -> None:
    liar.metadata = {"token_endpoint": "https://169.254.169.254/token"}
    assert comes(**ANNA).status_code == 403
    assert why()["why"] == "outbound: host_not_listed"


def test_a_document_without_end_is_cut(client: Client, hospital: IdentityProvider, liar: Any) -> None:
    liar.answers["/.well-known/openid-configuration"] = (200, {}, b'{"issuer": "' + b"x" * 400_000)
    assert client.get(BEGIN).status_code == 403


def test_redirects_are_not_followed(client: Client, hospital: IdentityProvider, liar: Any) -> None:
    liar.answers["/.well-known/openid-configuration"] = (302, {"Location": "http://localhost:1/"}, b"")
    assert client.get(BEGIN).status_code == 503
