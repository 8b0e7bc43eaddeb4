"""Nothing waits unnoticed, and two people at once are one decision."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from accounts.audit.models import AuditEvent
from accounts.models import Department
from accounts.notifications import mailing
from imaging.ingest.desk import reminders, selectors, services
from imaging.ingest.desk.services import Answer, Kind, Wish
from imaging.ingest.models import QuarantineDecision, QuarantinedObject
from imaging.studies.models import InstanceVersion
from tests.factories import arrivals
from tests.imaging.ingest.desk.conftest import Receive, Staff, at_desk
from tests.imaging.ingest.desk.test_pages import signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def old(receive: Receive, emergency: Department) -> QuarantinedObject:
    receive(arrivals.dataset(PatientID="P9", PatientName="Known^Anna"), departments=[emergency])
    (found,) = receive(
        arrivals.dataset(PatientID="P9", PatientName="Strange^Zoe", PatientBirthDate="19991231"),
        departments=[emergency],
    )
    QuarantinedObject.objects.update(received_at=timezone.now() - timedelta(days=5))
    return found


def test_what_waits_too_long_is_told_once_to_each_who_decides(old: QuarantinedObject, staff: Staff) -> None:
    assert reminders.remind() == 2
    mailing.send_due()
    assert sorted(message.to[0] for message in mail.outbox) == ["bea@hospital.example", "rosa@hospital.example"]
    for message in mail.outbox:
        assert "1 object waits in quarantine" in message.subject
        assert "/quarantine/" in message.body
        for text in ("Strange", "P9", "CT1"):
            assert text not in message.body + message.subject
    assert AuditEvent.objects.get(action="quarantine.reminded").detail["overdue"] == 1


def test_nobody_is_told_of_what_is_new_or_decided(old: QuarantinedObject, staff: Staff, settings: Any) -> None:
    settings.QUARANTINE_NOTICE_DAYS = 10
    assert reminders.remind() == 0
    settings.QUARANTINE_NOTICE_DAYS = 3
    services.decide(at_desk(staff.emergency), [old.pk], Wish(kind=Kind.REJECT, reason_code="test"))
    assert reminders.remind() == 0
    mailing.send_due()
    assert not mail.outbox


def test_the_list_points_out_what_waits_too_long(old: QuarantinedObject, staff: Staff) -> None:
    page = signed_in(staff.emergency).get("/quarantine/").content.decode()
    assert "1 object has waited for more than 3 days." in page
    assert 'class="overdue"' in page
    assert "5 days" in page
    counts = selectors.counts()
    assert (counts.open, counts.overdue) == (1, 1)


def test_two_people_at_once_are_one_decision(old: QuarantinedObject, staff: Staff) -> None:
    answers: list[Answer] = []
    ready = threading.Barrier(2)

    def decide(kind: str, person: Any) -> None:
        try:
            desk = at_desk(person)
            ready.wait(10)
            answers.append(services.decide(desk, [old.pk], Wish(kind=kind, reason_code="test")))
        finally:
            connection.close()

    threads = [
        threading.Thread(target=decide, args=(Kind.RELEASE, staff.emergency)),
        threading.Thread(target=decide, args=(Kind.REJECT, staff.both)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answer.taken for answer in answers) == [0, 1]
    (late,) = [answer for answer in answers if not answer.taken]
    assert late.decided_by in ({"rosa": 1}, {"bea": 1})
    decision = QuarantineDecision.objects.get()
    old.refresh_from_db()
    assert old.state == ("released" if decision.kind == "release" else "rejected")
    assert InstanceVersion.objects.count() == (2 if decision.kind == "release" else 1)
