"""Taking back, giving back, revoking, prolonging."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.audit.models import AuditEvent
from accounts.models import User
from imaging.access.requests import services
from imaging.access.requests.models import AccessRequest
from imaging.access.requests.policies import Refused
from imaging.studies.models import Grant, Placement
from tests.imaging.access.requests.conftest import (
    Desk,
    Register,
    actor_of,
    fresh,
)

pytestmark = pytest.mark.django_db


def actions(request: AccessRequest) -> list[str]:
    rows = AuditEvent.objects.filter(detail__request=request.pk).order_by("at", "id")
    return list(rows.values_list("action", flat=True))


def test_a_request_is_withdrawn_and_what_was_granted_given_back(
    registered: Register, bob: User, marc: User, desk: Desk, client: Client
) -> None:
    registered()
    request = desk.ask(bob)
    client.force_login(bob)
    client.post(f"/access/requests/{request.pk}/withdraw")
    with pytest.raises(Refused):
        desk.decide(marc, request)
    second = desk.ask(bob)
    desk.decide(marc, second)
    assert desk.sees(bob)
    client.post(f"/access/requests/{second.pk}/withdraw")
    assert desk.sees(bob) == set()
    assert actions(request)[-1] == "access.withdrawn"
    assert actions(second)[-1] == "access.given_back"


def test_what_is_taken_back_while_another_department_has_not_decided_is_not_called_open(
    registered: Register, bob: User, marc: User, cardio: User, desk: Desk, client: Client
) -> None:
    registered(StudyDescription="Left knee")
    registered(owner=cardio.memberships.get().department, also=None)
    request = desk.ask(bob)
    desk.decide(marc, request)
    client.force_login(bob)
    page = client.get(f"/access/requests/{request.pk}/").content.decode()
    assert "granted in part" in page
    assert "It is open to you" in page
    client.force_login(marc)
    client.post(f"/access/requests/{request.pk}/revoke", {"note": "Operation cancelled"})
    client.force_login(bob)
    page = client.get(f"/access/requests/{request.pk}/").content.decode()
    assert "It is open to you" not in page
    assert "It waits for a decision" in page


def test_revoking_closes_every_door_at_once(
    registered: Register, bob: User, marc: User, desk: Desk, client: Client
) -> None:
    study = registered()
    request = desk.ask(bob)
    desk.decide(marc, request)
    doors = (f"/studies/{study.study_instance_uid}/", f"/dicom-web/studies/{study.study_instance_uid}/metadata")
    client.force_login(bob)
    assert [client.get(door).status_code for door in doors] == [200, 200]
    client.force_login(marc)
    assert "Bob" in client.get("/access/desk/?show=granted").content.decode()
    client.post(f"/access/requests/{request.pk}/revoke", {"note": "Operation cancelled"})
    client.force_login(bob)
    assert [client.get(door).status_code for door in doors] == [404, 404]
    page = client.get(f"/access/requests/{request.pk}/").content.decode()
    assert "revoked" in page
    assert "Operation cancelled" in page
    assert actions(request)[-1] == "access.revoked"


def test_a_renewal_prolongs_from_the_end_and_waits_once(
    registered: Register, bob: User, marc: User, desk: Desk, client: Client
) -> None:
    study = registered()
    request = desk.ask(bob)
    desk.decide(marc, request)
    ends = Grant.objects.get().until
    assert ends is not None
    client.force_login(bob)
    addresses = {client.post(f"/access/requests/{request.pk}/renew", {"hours": "24"})["Location"] for _time in range(2)}
    assert len(addresses) == 1
    renewal = AccessRequest.objects.get(renews=request)
    desk.decide(marc, renewal)
    assert desk.sees(bob) == {study.study_instance_uid}
    placed = Placement.objects.get(study=study, department=fresh(bob).own_place)
    assert placed.until == ends + timedelta(hours=24)
    Grant.objects.update(until=timezone.now() - timedelta(seconds=1))
    Placement.objects.filter(pk=placed.pk).update(until=timezone.now())
    client.post(f"/access/requests/{renewal.pk}/renew", {"hours": "24"})
    assert AccessRequest.objects.count() == 2


@pytest.mark.parametrize("how", ["revoked", "given back"])
def test_what_was_prolonged_ends_whole_whichever_part_is_ended(
    how: str, registered: Register, bob: User, marc: User, desk: Desk
) -> None:
    study = registered()
    request = desk.ask(bob)
    desk.decide(marc, request)
    renewal = services.renew(desk.asker(bob), request.pk, hours=24)
    assert services.withdraw(desk.asker(bob), renewal.pk).state == "withdrawn"
    assert desk.sees(bob) == {study.study_instance_uid}, "what was not prolonged holds on"
    renewal = services.renew(desk.asker(bob), request.pk, hours=24)
    desk.decide(marc, renewal)
    if how == "revoked":
        services.revoke(fresh(marc), request.pk, note="cancelled", actor=actor_of(marc))
    else:
        services.withdraw(desk.asker(bob), renewal.pk)
    assert desk.sees(bob) == set()
    assert not Grant.objects.live().exists()
