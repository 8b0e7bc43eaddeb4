"""A critical finding reaches somebody who says that they know; and if not, somebody else."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.actor import SYSTEM, Actor
from accounts.audit.models import AuditEvent
from accounts.models import Department, Notification, User
from accounts.roles import Role
from accounts.scope import scope_of_user
from imaging.reports.critical import policies, selectors, services
from imaging.reports.critical.policies import Due
from imaging.reports.critical.selectors import Person
from imaging.reports.critical.services import AlreadySettled, NotAllowed
from imaging.reports.models import CriticalFinding
from imaging.studies import services as studies
from imaging.studies.models import Study
from imaging.studies.rows.incoming import PlannedPlacement
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.reports.reading.conftest import ToRead

pytestmark = pytest.mark.django_db
NOON = timezone.now()


def _person(user: User) -> Person:
    fresh = User.objects.get(pk=user.pk)
    actor = Actor(kind="user", id=str(fresh.pk), name=fresh.get_username(), door="page")
    found = selectors.person(fresh, actor=actor, scope=scope_of_user(fresh))
    assert found is not None
    return found


@pytest.fixture
def study(to_read: ToRead, emergency: Department) -> Study:
    """A study of radiology that emergency asked for."""
    item = to_read()
    studies.place_study(item.study, PlannedPlacement(emergency.pk, "requesting", "rule"), actor=SYSTEM)
    return item.study


@pytest.fixture
def raised(study: Study, rita: User, alice: User) -> CriticalFinding:
    """Rita raises a red finding for Alice."""
    return services.raise_finding(_person(rita), study, level="red", text="Tension pneumothorax", recipient=alice)


@pytest.mark.parametrize(
    ("minutes", "reminders", "escalated", "due"),
    [
        (29, 0, False, Due.NOTHING),
        (30, 0, False, Due.REMIND),
        (40, 1, False, Due.NOTHING),
        (45, 1, False, Due.ESCALATE),
        (50, 1, True, Due.NOTHING),
        (60, 1, True, Due.REMIND),
        (60, 2, True, Due.NOTHING),
    ],
)
def test_time_reminds_then_passes_on_then_goes_on_reminding(
    minutes: int, reminders: int, escalated: bool, due: Due
) -> None:
    until = policies.due_at(NOON, "red")
    now = NOON + timedelta(minutes=minutes)
    found = policies.due(now, raised_at=NOON, due_at=until, reminders=reminders, is_escalated=escalated)
    assert found is due


def test_who_has_to_know_is_told_without_a_word_of_whom_it_is_about(raised: CriticalFinding, alice: User) -> None:
    told = Notification.objects.get(user=alice, kind="critical.raised")
    assert told.is_urgent
    assert "Durand" not in repr(told.params) + told.path


def test_who_asked_for_the_exam_stands_first_among_the_recipients(
    study: Study, rita: User, alice: User, orthopaedics: Department
) -> None:
    people = selectors.recipients(study)
    assert alice in people
    assert rita in people


def test_an_acknowledgement_tells_who_raised_it_and_the_second_person_hears_that_it_is_done(
    raised: CriticalFinding, alice: User, rita: User, ralf: User
) -> None:
    services.acknowledge(_person(alice), raised.key, note="drain placed")
    assert Notification.objects.filter(user=rita, kind="critical.acknowledged").exists()
    with pytest.raises(AlreadySettled):
        services.acknowledge(_person(ralf), raised.key)
    raised.refresh_from_db()
    assert raised.acknowledged_by == alice
    assert [step.name for step in raised.log.all()] == ["raised", "acknowledged"]


def test_who_raised_it_cannot_acknowledge_for_others_but_can_note_whom_they_called(
    raised: CriticalFinding, rita: User
) -> None:
    with pytest.raises(NotAllowed):
        services.acknowledge(_person(rita), raised.key)
    services.note_told(_person(rita), raised.key, told="Dr Caron, by telephone", note="said it back")
    raised.refresh_from_db()
    assert raised.acknowledged_at is not None


def test_a_clinician_cannot_raise_a_finding(study: Study, alice: User) -> None:
    with pytest.raises(NotAllowed):
        services.raise_finding(_person(alice), study, level="red", text="x", recipient=alice)


def test_what_nobody_acknowledges_is_reminded_of_and_passed_on(
    raised: CriticalFinding, emergency: Department, alice: User, rita: User
) -> None:
    manager = UserFactory.create(username="manager")
    MembershipFactory.create(user=manager, department=emergency, role=Role.DEPARTMENT_MANAGER)
    assert services.tend() == 0
    _put_back(raised, timedelta(minutes=31))
    services.tend()
    assert Notification.objects.filter(user=alice, kind="critical.reminded").count() == 1
    _put_back(raised, timedelta(minutes=46))
    services.tend()
    assert Notification.objects.filter(user=manager, kind="critical.escalated").count() == 1
    assert Notification.objects.filter(user=rita, kind="critical.unheard").count() == 1
    assert services.tend() == 0


def _put_back(finding: CriticalFinding, passed: timedelta) -> None:
    at = timezone.now() - passed
    due = policies.due_at(at, finding.level)
    CriticalFinding.objects.filter(pk=finding.pk).update(raised_at=at, due_at=due)


def test_a_stranger_finds_nothing_at_its_address(raised: CriticalFinding, bob: User, client: Client) -> None:
    client.force_login(bob)
    absent = client.get(reverse("reports:critical", args=[uuid.uuid4()]))
    found = client.get(reverse("reports:critical", args=[raised.key]))
    assert (found.status_code, absent.status_code) == (404, 404)
    assert client.post(reverse("reports:critical-acknowledge", args=[raised.key])).status_code == 404


def test_the_recipient_reads_it_and_acknowledges_at_the_page(
    raised: CriticalFinding, alice: User, client: Client
) -> None:
    client.force_login(alice)
    page = client.get(reverse("reports:critical", args=[raised.key])).content.decode()
    assert "Tension pneumothorax" in page
    client.post(reverse("reports:critical-acknowledge", args=[raised.key]), {"note": "seen"})
    raised.refresh_from_db()
    assert raised.acknowledged_by == alice
    assert AuditEvent.objects.filter(action="critical.acknowledged", actor_id=str(alice.pk)).count() == 1


def test_the_form_raises_a_finding_for_somebody_outside(study: Study, rita: User, client: Client) -> None:
    client.force_login(rita)
    address = reverse("reports:critical-raise", args=[study.study_instance_uid])
    nobody = client.post(address, {"level": "red", "text": "Bleeding"})
    assert nobody.status_code == 422
    sent = client.post(address, {"level": "red", "text": "Bleeding", "recipient_name": "Dr Petit, in town"})
    assert sent.status_code == 302
    assert CriticalFinding.objects.get().recipient_name == "Dr Petit, in town"


def test_the_form_is_not_there_for_a_stranger_and_refused_to_a_clinician(
    study: Study, alice: User, bob: User, client: Client
) -> None:
    address = reverse("reports:critical-raise", args=[study.study_instance_uid])
    client.force_login(bob)
    assert client.get(address).status_code == 404
    client.force_login(alice)
    assert client.get(address).status_code == 403
