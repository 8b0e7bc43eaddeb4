"""The change feed and webhooks as machines use them: by key, in scope, with problem documents."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.actor import SYSTEM
from accounts.models import Department, User
from accounts.outbound.models import OutboundHost
from accounts.services import IssuedKey
from imaging.events.models import Change
from imaging.pipeline import steps
from imaging.studies import services as studies
from imaging.studies.models import Placement
from imaging.webhooks import policies
from imaging.webhooks.models import Webhook
from tests.factories import arrivals
from tests.factories.accounts import issue_machine_key
from tests.receivers import Receiver

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(machine: IssuedKey) -> Client:
    """A client that signs with the emergency department's key."""
    return Client(headers={"Authorization": f"Bearer {machine.plaintext}"})


@pytest.fixture
def listed(receiver: Receiver) -> Receiver:
    """The receiver, among the hosts that may be called."""
    OutboundHost.objects.create(
        host="localhost",
        port=receiver.port,
        networks=["127.0.0.0/8", "::1"],
        certificates=receiver.certificate,
        purpose="tests",
    )
    return receiver


def arrive(data_dir: Path, department: Department) -> str:
    """A new study of a department, and its line of the feed."""
    made = arrivals.dataset()
    studies.register([arrivals.incoming(made, data_dir / "arrived", department)], actor=SYSTEM)
    steps.drain()
    return str(made.StudyInstanceUID)


def created(api: Client, receiver: Receiver, **headers: str) -> Any:
    """What the API answers to a new webhook."""
    return api.post("/api/v1/webhooks", {"address": receiver.address}, "application/json", headers=headers)


def test_the_feed_tells_of_what_the_key_may_list_and_goes_on_where_it_ended(
    api: Client, data_dir: Path, emergency: Department, orthopaedics: Department
) -> None:
    first = arrive(data_dir, emergency)
    arrive(data_dir, orthopaedics)
    second = arrive(data_dir, emergency)

    page = api.get("/api/v1/events?limit=1").json()
    assert [line["study_instance_uid"] for line in page["results"]] == [first]
    assert page["results"][0]["type"] == "study.changed"
    assert page["more"]
    page = api.get(f"/api/v1/events?after={page['next_after']}").json()
    assert [line["study_instance_uid"] for line in page["results"]] == [second]
    page = api.get(f"/api/v1/events?after={page['next_after']}").json()
    assert (page["results"], page["more"]) == ([], False)


def test_a_machine_learns_that_a_study_is_no_longer_its_own_and_a_stranger_nothing(
    api: Client, data_dir: Path, emergency: Department, orthopaedics: Department
) -> None:
    other = Client(headers={"Authorization": f"Bearer {issue_machine_key(orthopaedics, name='other').plaintext}"})
    uid = arrive(data_dir, emergency)
    before = api.get("/api/v1/events").json()
    studies.remove_placement(Placement.objects.get(study__study_instance_uid=uid), actor=SYSTEM)
    steps.drain()
    page = api.get(f"/api/v1/events?after={before['next_after']}").json()
    (line,) = page["results"]
    assert set(line) == {"sequence", "type", "study_instance_uid", "changed_at"}, "nothing but the UID and the time"
    assert (line["type"], line["study_instance_uid"]) == ("study.removed", uid)
    assert page["scope"] == before["scope"]
    told = other.get("/api/v1/events").json()
    assert told["results"] == []
    assert told["scope"] != before["scope"]


def test_a_machine_that_is_given_a_department_sees_that_its_scope_is_another(
    api: Client, machine: IssuedKey, orthopaedics: Department
) -> None:
    before = api.get("/api/v1/events").json()["scope"]
    machine.key.departments.add(orthopaedics)
    assert api.get("/api/v1/events").json()["scope"] != before


def test_a_stranger_reads_an_empty_feed_and_nobody_none(client: Client, data_dir: Path, emergency: Department) -> None:
    arrive(data_dir, emergency)
    other = Client(headers={"Authorization": f"Bearer {issue_machine_key(name='other').plaintext}"})
    assert other.get("/api/v1/events").json()["results"] == []
    assert client.get("/api/v1/events").status_code == 401


def test_a_place_of_long_ago_is_gone(api: Client, data_dir: Path, emergency: Department) -> None:
    for _study in range(3):
        arrive(data_dir, emergency)
    last = Change.objects.order_by("-sequence")[0].sequence
    Change.objects.filter(sequence__lt=last).delete()
    answer = api.get("/api/v1/events?after=1") if last > 2 else api.get(f"/api/v1/events?after={last + 9}")
    assert answer.status_code == 410
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["first"] == last
    assert api.get(f"/api/v1/events?after={last + 1}").status_code == 410


@pytest.mark.parametrize("after", ["-1", "x", "1e3", "9" * 30, ""])
def test_a_place_that_is_no_number_is_refused(api: Client, after: str) -> None:
    assert api.get("/api/v1/events", {"after": after}).status_code == 400


def test_a_machine_makes_tests_and_forgets_its_webhook(api: Client, listed: Receiver) -> None:
    made = created(api, listed)
    assert made.status_code == 201, made.content
    address = f"/api/v1/webhooks/{made.json()['id']}"
    assert made.headers["Location"].endswith(address)
    assert "secret" not in made.json()

    secret = api.get(f"{address}/secret").json()["secret"]
    assert secret.startswith("whsec_")
    assert api.post(f"{address}/test").json()["status"] == 204
    (message,) = listed.messages
    assert message.headers["webhook-signature"] == policies.signature(
        secret,
        message_id=message.headers["webhook-id"],
        timestamp=int(message.headers["webhook-timestamp"]),
        body=message.body,
    )
    assert len(api.get(f"{address}/attempts").json()["results"]) == 1
    assert api.post(f"{address}/secret").status_code == 204
    assert api.get(f"{address}/secret").json()["secret"] != secret
    assert api.post(f"{address}/resume").status_code == 202
    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404
    assert api.get("/api/v1/webhooks").json()["results"] == []


def test_a_repeated_request_makes_one_webhook(api: Client, listed: Receiver) -> None:
    first = created(api, listed, **{"Idempotency-Key": "one"})
    second = created(api, listed, **{"Idempotency-Key": "one"})
    assert first.json()["id"] == second.json()["id"]
    assert Webhook.objects.count() == 1


def test_an_address_that_may_not_be_called_is_refused_with_the_reason(api: Client, receiver: Receiver) -> None:
    answer = created(api, receiver)
    assert answer.status_code == 400
    assert "outbound hosts" in json.dumps(answer.json())
    for address in ("http://169.254.169.254/", "file:///etc/passwd", "https://x:y@localhost/"):
        assert api.post("/api/v1/webhooks", {"address": address}, "application/json").status_code == 400
    assert not Webhook.objects.exists()


def test_another_machine_does_not_find_it_and_a_person_makes_none(
    api: Client, listed: Receiver, emergency: Department, alice: User, client: Client
) -> None:
    address = f"/api/v1/webhooks/{created(api, listed).json()['id']}"
    other = Client(headers={"Authorization": f"Bearer {issue_machine_key(emergency, name='other').plaintext}"})
    for method in (other.get, other.delete):
        assert method(address).status_code == 404
    assert other.get(f"{address}/secret").status_code == 404
    assert other.post(f"{address}/test").status_code == 404
    client.force_login(alice)
    assert client.get("/api/v1/webhooks").status_code == 403
