"""How machines come in: by key, at their doors, and nowhere else."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client
from django.urls import include, path
from django.utils import timezone
from django.views.decorators.csrf import csrf_protect
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.actor import SYSTEM
from accounts.addresses import client_address, is_loopback
from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.machines import AUDITED_REFUSALS, TOLERATED_REFUSALS, sent_credentials
from accounts.models import Department, MachineKey, User, digest_of
from accounts.roles import Right
from accounts.services import IssuedKey
from tests.factories.accounts import PASSWORD, issue_machine_key

pytestmark = pytest.mark.django_db


@csrf_protect
def who(request: HttpRequest) -> HttpResponse:
    """Say who has come in and what may be seen."""
    return JsonResponse(
        {
            "kind": request.actor.kind,
            "name": request.actor.name,
            "door": request.actor.door,
            "address": request.actor.address,
            "departments": sorted(request.scope.departments_with(Right.VIEW)),
            "user": request.user.get_username(),
        }
    )


class Who(APIView):
    """The same through Django REST framework."""

    def get(self, request: Request) -> Response:
        """Say who it is."""
        return Response({"name": str(request.user), "machine": request.auth is not None})

    post = get


urlpatterns = [
    path("dicom-web/who", who),
    path("api/who", who),
    path("api/rest", Who.as_view()),
    path("fhir/who", who),
    path("who", who),
    # What the page of a refusal leads to.
    path("", include("portal.urls")),
]


@pytest.fixture(autouse=True)
def _doors(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    cache.clear()


def bearer(key: str, scheme: str = "Bearer") -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"{scheme} {key}"}


def basic(name: str, key: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"{name}:{key}".encode()).decode()}


def refusals() -> list[str]:
    return [event.detail["reason"] for event in AuditEvent.objects.filter(action=Action.MACHINE_REFUSED).order_by("id")]


@pytest.mark.parametrize("door", ["dicom-web", "api", "fhir"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Token"])
def test_a_key_opens_the_machine_doors(
    client: Client, machine: IssuedKey, emergency: Department, door: str, scheme: str
) -> None:
    answer = client.get(f"/{door}/who", **bearer(machine.plaintext, scheme)).json()
    assert answer["kind"] == "machine"
    assert answer["name"] == "emergency-gateway"
    assert answer["departments"] == [emergency.pk]
    assert answer["user"] == ""


def test_basic_takes_the_machine_s_name_and_key(client: Client, machine: IssuedKey) -> None:
    assert client.get("/api/who", **basic("emergency-gateway", machine.plaintext)).status_code == 200
    assert client.get("/api/who", **basic("another", machine.plaintext)).status_code == 401
    assert refusals() == ["the key of another machine"]


def test_a_person_s_password_is_never_accepted(client: Client, alice: User) -> None:
    response = client.get("/api/who", **basic("alice", PASSWORD))
    assert response.status_code == 401
    assert "Bearer" in response["WWW-Authenticate"]
    assert response["Cache-Control"] == "no-store"


def test_a_wrong_key_is_refused_whatever_session_comes_along(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.get("/api/who").json()["name"] == "alice"
    assert client.get("/api/who", **bearer("ngk_wrong")).status_code == 401


def test_a_right_key_leaves_the_session_unread(client: Client, alice: User, machine: IssuedKey) -> None:
    client.force_login(alice)
    assert client.get("/api/who", **bearer(machine.plaintext)).json()["name"] == "emergency-gateway"


def test_elsewhere_the_header_means_nothing(client: Client, machine: IssuedKey) -> None:
    answer = client.get("/who", **bearer(machine.plaintext)).json()
    assert (answer["kind"], answer["name"], answer["departments"]) == ("user", "anonymous", [])
    assert client.get("/who", **bearer("ngk_wrong")).status_code == 200


def test_without_a_header_a_person_comes_in_by_session(client: Client, alice: User, emergency: Department) -> None:
    client.force_login(alice)
    answer = client.get("/dicom-web/who").json()
    assert (answer["kind"], answer["name"], answer["door"]) == ("user", "alice", "dicomweb")
    assert answer["departments"] == [emergency.pk]


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no-colon").decode(),
        "Digest x",
        "",
        "Basic \xff",
        "Bearer \x00",
    ],
)
def test_a_header_that_cannot_be_understood_is_refused(client: Client, header: str) -> None:
    assert client.get("/api/who", HTTP_AUTHORIZATION=header).status_code == 401


def test_what_is_not_ascii_in_a_header_is_refused_quietly() -> None:
    assert sent_credentials("Basic " + base64.b64encode(b"\xff\xfe:x").decode()) is None
    assert sent_credentials("Bearer " + "x" * 9000) is None
    assert digest_of("\udcff")


def test_keys_travel_over_tls_or_on_this_machine_only(client: Client, machine: IssuedKey) -> None:
    key = bearer(machine.plaintext)
    assert client.get("/api/who", REMOTE_ADDR="10.0.0.5", **key).status_code == 401
    assert client.get("/api/who", REMOTE_ADDR="10.0.0.5", secure=True, **key).status_code == 200
    assert client.get("/api/who", REMOTE_ADDR="127.0.0.1", **key).status_code == 200
    assert client.get("/api/who", REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="10.0.0.5", **key).status_code == 401
    assert refusals() == ["not over TLS"] * 2


def test_a_key_is_good_from_its_addresses_only(client: Client, emergency: Department) -> None:
    issued = issue_machine_key(emergency, addresses=["10.1.0.0/16", "2001:db8::/32"])
    for address, status in [("10.1.2.3", 200), ("2001:db8::9", 200), ("10.2.0.1", 401), ("unknown", 401)]:
        response = client.get("/api/who", REMOTE_ADDR=address, secure=True, **bearer(issued.plaintext))
        assert response.status_code == status, address


def test_a_front_server_s_word_counts_only_when_it_is_trusted(
    client: Client, emergency: Department, settings: Any
) -> None:
    issued = issue_machine_key(emergency, addresses=["10.1.0.0/16"])
    request = {"REMOTE_ADDR": "192.168.0.1", "HTTP_X_FORWARDED_FOR": "10.1.9.9, 10.1.2.3", "secure": True}
    assert client.get("/api/who", **request, **bearer(issued.plaintext)).status_code == 401
    settings.TRUSTED_PROXIES = ("192.168.0.0/24",)
    answer = client.get("/api/who", **request, **bearer(issued.plaintext))
    assert answer.json()["address"] == "10.1.2.3"


def test_what_stands_left_of_an_untrusted_hop_is_not_believed(rf: Any, settings: Any) -> None:
    settings.TRUSTED_PROXIES = ("192.168.0.0/24", "10.9.9.9")
    request = rf.get("/", REMOTE_ADDR="192.168.0.1", HTTP_X_FORWARDED_FOR="127.0.0.1, 8.8.8.8, 10.9.9.9")
    assert client_address(request) == "8.8.8.8"
    assert not is_loopback(rf.get("/", REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="127.0.0.1"))
    assert client_address(rf.get("/", REMOTE_ADDR="192.168.0.1", HTTP_X_FORWARDED_FOR="<script>")) == "192.168.0.1"


def test_an_expired_or_revoked_key_is_refused(client: Client, machine: IssuedKey) -> None:
    key = machine.key
    MachineKey.objects.filter(pk=key.pk).update(expires_at=timezone.now())
    assert client.get("/api/who", **bearer(machine.plaintext)).status_code == 401
    MachineKey.objects.filter(pk=key.pk).update(expires_at=None)
    assert client.get("/api/who", **bearer(machine.plaintext)).status_code == 200
    services.revoke_machine_key(actor=SYSTEM, key=key)
    assert client.get("/api/who", **bearer(machine.plaintext)).status_code == 401
    assert refusals() == ["expired", "revoked"]


def test_a_door_without_a_right_stays_closed(client: Client, emergency: Department) -> None:
    issued = issue_machine_key(emergency, rights={"dicomweb": ["list"]})
    assert client.get("/dicom-web/who", **bearer(issued.plaintext)).status_code == 200
    assert client.get("/api/who", **bearer(issued.plaintext)).status_code == 401


def test_every_reason_has_the_same_answer(client: Client, machine: IssuedKey) -> None:
    services.revoke_machine_key(actor=SYSTEM, key=machine.key)
    revoked = client.get("/api/who", **bearer(machine.plaintext))
    unknown = client.get("/api/who", **bearer("ngk_unknown"))
    assert (revoked.content, dict(revoked.headers)) == (unknown.content, dict(unknown.headers))


def test_guessing_is_slowed_down_and_does_not_fill_the_audit(client: Client, machine: IssuedKey) -> None:
    # Some more than the number: a minute that begins meanwhile forgives a few of the last one.
    answers = [client.get("/api/who", **bearer(f"ngk_{n}")).status_code for n in range(TOLERATED_REFUSALS + 10)]
    assert answers[:TOLERATED_REFUSALS] == [401] * TOLERATED_REFUSALS
    assert answers[-1] == 429
    assert len(refusals()) == AUDITED_REFUSALS
    # The hospital's other machines, behind the same address, go on.
    assert client.get("/api/who", **bearer(machine.plaintext)).status_code == 200


def test_use_is_noted_at_most_every_minute(client: Client, machine: IssuedKey, django_assert_num_queries: Any) -> None:
    client.get("/api/rest", **bearer(machine.plaintext))
    machine.key.refresh_from_db()
    first = machine.key.last_used_at
    assert first is not None
    with django_assert_num_queries(1):
        client.get("/api/rest", **bearer(machine.plaintext))
    MachineKey.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    client.get("/api/rest", **bearer(machine.plaintext))
    machine.key.refresh_from_db()
    assert machine.key.last_used_at >= first


def test_a_machine_needs_no_csrf_token_and_a_person_does(machine: IssuedKey, alice: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    for address in ("/api/who", "/api/rest"):
        assert strict.post(address, **bearer(machine.plaintext)).status_code == 200
    strict.force_login(alice)
    for address in ("/api/who", "/api/rest"):
        assert strict.post(address).status_code == 403


def test_django_rest_framework_sees_who_came_in(client: Client, machine: IssuedKey, alice: User) -> None:
    assert client.get("/api/rest", **bearer(machine.plaintext)).json() == {"name": "emergency-gateway", "machine": True}
    stranger = client.get("/api/rest")
    assert stranger.status_code == 401
    assert "Bearer" in stranger["WWW-Authenticate"]
    client.force_login(alice)
    assert client.get("/api/rest").json()["machine"] is False


def test_a_key_is_stored_as_its_digest_alone(machine: IssuedKey) -> None:
    stored = MachineKey.objects.filter(pk=machine.key.pk).values().get()
    assert machine.plaintext not in str(stored)
    assert len(machine.plaintext) >= 43
    issued = AuditEvent.objects.get(action=Action.MACHINE_KEY_ISSUED)
    assert machine.plaintext not in str(issued.detail)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "with:colon"},
        {"name": ""},
        {"rights": {"page": ["list"]}},
        {"rights": {"api": ["everything"]}},
        {"addresses": ["10.1.0.0/33"]},
        {"addresses": ["10.1.2.3/8"]},
        {"expires_at": timezone.now() - timedelta(days=1)},
    ],
)
def test_a_key_that_makes_no_sense_is_not_issued(emergency: Department, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        issue_machine_key(emergency, **wrong)
    assert not MachineKey.objects.exists()


def test_two_machines_cannot_share_a_name(emergency: Department, machine: IssuedKey) -> None:
    with pytest.raises(ValidationError):
        issue_machine_key(emergency, name="emergency-gateway")
