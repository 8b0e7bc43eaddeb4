"""What time does: reminders, deputies, closing, warnings, the end; studies that come later; referring physicians."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from accounts.actor import SYSTEM
from accounts.audit.models import AuditEvent
from accounts.models import Department, PractitionerIdentifier, User
from accounts.roles import Role
from imaging.access.requests import referrals, tending
from imaging.access.requests.models import AccessPolicy, AccessRequest, Relation, RequestedStudy, StudyReferrer
from imaging.pipeline import tasks
from imaging.studies import services as studies
from imaging.studies.models import Grant, Placement, Study
from imaging.studies.oppositions import record_choice, withdraw_choice
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory
from tests.imaging.access.requests.conftest import Desk, Register, fresh, work

pytestmark = pytest.mark.django_db

State = AccessRequest.State


def asked_hours_ago(request: AccessRequest, hours: int) -> None:
    AccessRequest.objects.filter(pk=request.pk).update(asked_at=timezone.now() - timedelta(hours=hours))


def test_who_decides_is_reminded_once_and_who_asked_told_when_nobody_answers(
    registered: Register, bob: User, marc: User, desk: Desk, mailoutbox: list[Any]
) -> None:
    registered()
    request = desk.ask(bob)
    work()
    asked_hours_ago(request, 25)
    for _time in range(2):
        tasks.tend_access()
        work()
    assert [mail.to[0] for mail in mailoutbox] == [marc.email, marc.email]
    asked_hours_ago(request, 73)
    tasks.tend_access()
    work()
    request.refresh_from_db()
    assert request.state == State.UNANSWERED
    assert mailoutbox[-1].to == [bob.email]
    assert not desk.sees(bob)
    told = AuditEvent.objects.filter(detail__request=request.pk).order_by("at", "id").values_list("action", flat=True)
    assert list(told) == ["access.requested", "access.reminded", "access.unanswered"]


def test_a_deputy_may_decide_once_the_department_has_not_answered(
    registered: Register, bob: User, marc: User, radiology: Department, desk: Desk, mailoutbox: list[Any]
) -> None:
    registered()
    deputy = DepartmentFactory.create(code="deputy", site=radiology.site)
    dora = UserFactory.create(username="dora")
    MembershipFactory.create(user=dora, department=deputy, role=Role.DEPARTMENT_MANAGER)
    AccessPolicy.objects.create(department=radiology, deputy=deputy, unanswered="deputy")
    request = desk.ask(bob)
    asked_hours_ago(request, 73)
    tending.tend()
    work()
    assert dora.email in {mail.to[0] for mail in mailoutbox}
    desk.decide(dora, request)
    assert desk.sees(bob)


def test_who_runs_the_portal_hears_of_a_request_that_reaches_nobody(
    registered: Register, bob: User, desk: Desk, mailoutbox: list[Any], emergency: Department
) -> None:
    registered()
    admin = UserFactory.create(username="boss")
    MembershipFactory.create(user=admin, department=emergency, role=Role.ADMINISTRATOR)
    desk.ask(bob)
    work()
    (mail,) = mailoutbox
    assert mail.to == [admin.email]
    assert "deputy" in mail.body
    assert "bob" not in mail.body.casefold()


def test_what_was_granted_ends_by_itself_and_the_end_is_on_record(
    registered: Register, bob: User, marc: User, desk: Desk, mailoutbox: list[Any], client: Any
) -> None:
    registered()
    request = desk.ask(bob, hours=1)
    desk.decide(marc, request)
    work()
    mailoutbox.clear()
    tending.tend()
    assert desk.sees(bob)
    past = timezone.now() - timedelta(seconds=1)
    Grant.objects.update(until=past)
    Placement.objects.filter(department=fresh(bob).own_place).update(until=past)
    assert desk.sees(bob) == set()
    client.force_login(bob)
    assert "It has ended" in client.get(f"/access/requests/{request.pk}/").content.decode()
    tending.tend()
    work()
    assert mailoutbox == []
    assert RequestedStudy.objects.get().state == RequestedStudy.State.EXPIRED
    assert AuditEvent.objects.filter(action="access.expired").count() == 1


def test_who_has_long_access_hears_a_day_before_it_ends_once(
    registered: Register, bob: User, marc: User, desk: Desk, mailoutbox: list[Any]
) -> None:
    registered()
    desk.decide(marc, desk.ask(bob, hours=168))
    work()
    mailoutbox.clear()
    tending.tend()
    work()
    assert mailoutbox == []
    Grant.objects.update(until=timezone.now() + timedelta(hours=20), granted_at=F("granted_at") - timedelta(days=6))
    for _time in range(2):
        tending.tend()
        work()
    assert [mail.to for mail in mailoutbox] == [[bob.email]]


def test_a_request_about_a_study_that_became_another_patients_is_closed(
    registered: Register, bob: User, marc: User, desk: Desk
) -> None:
    study = registered()
    request = desk.ask(bob)
    registered(PatientID="P1")
    studies.correct(study, {"00100020": {"vr": "LO", "Value": ["P7"]}}, reason="mixed up", actor=desk.asker(bob).actor)
    tending.tend()
    request.refresh_from_db()
    assert request.state == State.UNANSWERED
    assert desk.sees(bob) == set()


def test_a_study_that_comes_later_is_open_where_its_department_granted_the_patient(
    registered: Register, bob: User, marc: User, radiology: Department, desk: Desk
) -> None:
    first = registered()
    request = desk.ask(bob)
    desk.decide(marc, request)
    later, elsewhere = registered(), registered(owner=DepartmentFactory.create(site=radiology.site), also=None)
    assert desk.sees(bob) == {first.study_instance_uid}
    for study in (later, elsewhere):
        tending.follow(study.study_instance_uid)
        tending.follow(study.study_instance_uid)
    assert desk.sees(bob) == {first.study_instance_uid, later.study_instance_uid}
    assert set(Grant.objects.values_list("until", flat=True)) == {Grant.objects.earliest("pk").until}
    request.refresh_from_db()
    assert request.state == State.GRANTED
    protected = registered()
    Study.objects.filter(pk=protected.pk).update(sensitivity="vip")
    assert tending.follow(protected.study_instance_uid) == 0


def test_a_study_that_comes_later_stays_closed_once_the_patient_opposes_it_or_who_asked_has_left(
    registered: Register, bob: User, marc: User, desk: Desk
) -> None:
    first = registered()
    desk.decide(marc, desk.ask(bob))
    choice = record_choice(
        first.patient,
        use="departments",
        answer="opposed",
        said_by="patient",
        said_on=timezone.localdate(),
        evidence="letter",
        actor=SYSTEM,
    )
    later = registered()
    assert tending.follow(later.study_instance_uid) == 0
    withdraw_choice(choice, actor=SYSTEM)
    bob.memberships.update(role=Role.ARCHIVIST)
    assert tending.follow(later.study_instance_uid) == 0
    bob.memberships.update(role=Role.CLINICIAN)
    assert tending.follow(later.study_instance_uid) == 1


def referred_by(number: str, system: str) -> Sequence:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = number, system, "practitioner"
    person = Dataset()
    person.PersonIdentificationCodeSequence = Sequence([code])
    return Sequence([person])


RPPS = {"ReferringPhysicianIdentificationSequence": referred_by("10001234567", "rpps")}


@pytest.fixture
def numbered(bob: User) -> User:
    """Bob, with his number."""
    PractitionerIdentifier.objects.create(user=bob, system="RPPS", number="10001234567")
    return bob


def test_a_referring_physician_sees_the_study_where_the_policy_opens_it(
    registered: Register, numbered: User, radiology: Department, desk: Desk, data_dir: Path
) -> None:
    closed = registered(**RPPS)
    referrals.note_referrer(closed.study_instance_uid)
    assert desk.sees(numbered) == set()
    AccessPolicy.objects.create(department=radiology, referrer_hours=48)
    study, other = registered(**RPPS), registered()
    for _time in range(2):
        for each in (study, other):
            referrals.note_referrer(each.study_instance_uid)
    assert desk.sees(numbered) == {study.study_instance_uid}
    held = Grant.objects.get()
    assert held.basis == Grant.Basis.REFERRER
    studies.end_grant(held, actor=desk.asker(numbered).actor)
    referrals.note_referrer(study.study_instance_uid)
    assert desk.sees(numbered) == set(), "what was ended is not given again"


def test_a_number_that_was_corrected_closes_what_it_opened(
    registered: Register, numbered: User, radiology: Department, desk: Desk
) -> None:
    AccessPolicy.objects.create(department=radiology, referrer_hours=48)
    study = registered(**RPPS)
    referrals.note_referrer(study.study_instance_uid)
    assert desk.sees(numbered)
    PractitionerIdentifier.objects.filter(user=numbered).update(number="9")
    referrals.note_referrer(study.study_instance_uid)
    assert desk.sees(numbered) == set()


def test_a_number_of_another_system_or_of_somebody_without_the_capability_opens_nothing(
    registered: Register, numbered: User, radiology: Department, desk: Desk, charlie: User
) -> None:
    AccessPolicy.objects.create(department=radiology, referrer_hours=48)
    PractitionerIdentifier.objects.create(user=charlie, system="ADELI", number="77")
    wrong = registered(ReferringPhysicianIdentificationSequence=referred_by("10001234567", "NPI"))
    nobody = registered(ReferringPhysicianIdentificationSequence=referred_by("77", "ADELI"))
    for study in (wrong, nobody):
        referrals.note_referrer(study.study_instance_uid)
    assert desk.sees(numbered) == desk.sees(charlie) == set()
    assert StudyReferrer.objects.count() == 2


def test_a_number_verifies_who_referred_and_a_name_does_not(registered: Register, numbered: User, desk: Desk) -> None:
    AccessPolicy.objects.create(verified=[Relation.REFERRER])
    study = registered(ReferringPhysicianName="Leroy^Bob^^Dr")
    request = desk.ask(numbered, relation=Relation.REFERRER)
    assert request.state == State.WAITING
    assert RequestedStudy.objects.get().evidence[0]["code"] == "referrer_name"
    AccessRequest.objects.update(state=State.WITHDRAWN)
    StudyReferrer.objects.create(study=study, system="RPPS", number="10001234567")
    assert desk.ask(numbered, relation=Relation.REFERRER).state == State.GRANTED
