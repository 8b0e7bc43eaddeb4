"""The audit in the administration: found by who, about whom and when, read line by line, exported as it is listed."""

import csv
import io
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.models import User
from accounts.selectors import time_zone_of
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(db: None) -> User:
    """Somebody who runs the portal and works in no department."""
    return UserFactory.create(username="admin", is_staff=True, is_superuser=True)


@pytest.fixture
def desk(client: Client, administrator: User) -> Client:
    """The administrator's browser."""
    client.force_login(administrator)
    return client


def last(action: Action) -> AuditEvent:
    event = AuditEvent.objects.filter(action=action).order_by("-at", "-id").first()
    assert event is not None, action
    return event


@pytest.fixture
def recorded(alice: User) -> None:
    """Something that Alice did today, something that the portal did, and a name that wants to be a formula."""
    from accounts import audit
    from accounts.actor import SYSTEM, Actor

    her = Actor(kind="user", id=str(alice.pk), name=alice.get_username(), address="10.0.0.9", door="page")
    audit.record(Action.STUDY_OPENED, actor=her, subject_type="study", subject_uid="1.2", patient_id="=HYPERLINK(1)")
    audit.record(Action.STUDY_REFUSED, actor=SYSTEM, subject_type="study", subject_uid="1.3", outcome="refused")


def test_the_audit_answers_who_about_whom_and_when(
    desk: Client, administrator: User, alice: User, recorded: None
) -> None:
    address = reverse("admin:accounts_auditevent_changelist")
    today = timezone.localdate(timezone=ZoneInfo(time_zone_of(administrator) or "UTC"))
    tomorrow = today + timedelta(days=1)
    User.objects.filter(pk=alice.pk).update(display_name="Dr Alice Martin")

    def found(**asked: Any) -> int:
        return int(desk.get(address, asked).context["cl"].result_count)

    assert found(person=alice.get_username()) == found(person="martin") == 1
    assert found(patient="=HYPERLINK(1)") == found(subject="1.2") == found(address="10.0.0.9") == 1
    assert found(person="martin", since=today, until=today) == 1
    assert found(person="martin", since=tomorrow) == 0
    assert found(action="study.refused", outcome__exact="refused") == 1
    assert found(since="not a day") == 0
    assert found(person="nobody of this name") == found(kind="machine") == 0


def test_an_event_is_read_line_by_line_and_escaped(desk: Client) -> None:
    from accounts import audit
    from accounts.actor import SYSTEM

    audit.record(Action.SETTING_CHANGED, actor=SYSTEM, detail={"<b>field</b>": "<script>1</script>", "via": "admin"})
    page = desk.get(
        reverse("admin:accounts_auditevent_change", args=[last(Action.SETTING_CHANGED).pk])
    ).content.decode()
    assert "<dt>&lt;b&gt;field&lt;/b&gt;</dt><dd>&lt;script&gt;1&lt;/script&gt;</dd>" in page


def test_the_audit_is_exported_as_it_is_listed_and_that_is_on_record(desk: Client, recorded: None) -> None:
    address = reverse("admin:accounts_auditevent_export")
    assert desk.get(address).status_code == 405
    response = desk.post(f"{address}?subject=1.2")
    text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["subject_uid"], row["patient_id"]) for row in rows] == [("1.2", "'=HYPERLINK(1)")]
    event = last(Action.AUDIT_EXPORTED)
    assert event.detail["asked"] == {"subject": "1.2"}
    assert event.detail["events"] == 1
