"""Rooms in the administration: made with their hours and their machine, refused where they make no sense, on record."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.audit.models import AuditEvent
from accounts.models import Department
from imaging.orders.models import OpeningHours, Room
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(UserFactory.create(username="ada", is_staff=True, is_superuser=True))
    return client


def typed(radiology: Department, **more: str) -> dict[str, str]:
    """A room as its form sends it, open on Mondays."""
    return {
        "name": "CT 1",
        "code": "ct1",
        "department": str(radiology.pk),
        "modalities": "CT",
        "station": "",
        "station_name": "",
        "slot_minutes": "15",
        "is_active": "on",
        "opening_hours-TOTAL_FORMS": "1",
        "opening_hours-INITIAL_FORMS": "0",
        "opening_hours-0-weekday": "0",
        "opening_hours-0-opens": "08:00",
        "opening_hours-0-closes": "18:00",
        "downtimes-TOTAL_FORMS": "1",
        "downtimes-INITIAL_FORMS": "0",
        "downtimes-0-starts_at_0": "2031-03-12",
        "downtimes-0-starts_at_1": "12:00",
        "downtimes-0-ends_at_0": "2031-03-12",
        "downtimes-0-ends_at_1": "14:00",
        "downtimes-0-reason": "Tube changed",
        **more,
    }


def test_a_room_is_made_with_its_hours_and_its_downtime(desk: Client, radiology: Department) -> None:
    answer = desk.post(reverse("admin:imaging_room_add"), typed(radiology))
    assert answer.status_code == 302, answer.context and answer.context["errors"]
    room = Room.objects.get()
    assert (room.modalities, room.opening_hours.count(), room.downtimes.get().reason) == (["CT"], 1, "Tube changed")
    assert AuditEvent.objects.filter(subject_type="room", subject_uid=str(room.pk)).exists()
    page = desk.get(reverse("admin:imaging_room_change", args=[room.pk])).content.decode()
    assert 'name="code"' not in page, "the code stands in addresses, and stays"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"opening_hours-0-closes": "07:00"}, "close after it opens"),
        ({"downtimes-0-ends_at_1": "11:00"}, "end after it starts"),
        ({"modalities": "scanner"}, "modalities"),
        ({"slot_minutes": "0"}, "greater than or equal to 5"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    desk: Client, radiology: Department, more: dict[str, str], said: str
) -> None:
    answer = desk.post(reverse("admin:imaging_room_add"), typed(radiology, **more))
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not OpeningHours.objects.exists()
