"""Who can see a study: what the page for who answers for it says is what the scope of each person gives; labels in the admin."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import powers
from accounts import services as accounts
from accounts.actor import SYSTEM
from accounts.audit.models import AuditEvent
from accounts.labels import Label
from accounts.models import Department, DepartmentGroup, User
from accounts.roles import Right, Role
from accounts.scope import scope_of_user
from imaging.studies import readers
from imaging.studies import services as studies
from imaging.studies.models import Grant, Protection, Study
from imaging.studies.rows.incoming import PlannedPlacement
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(data_dir: Path, emergency: Department, orthopaedics: Department) -> Study:
    """A study that emergency made and orthopaedics asked for."""
    made = arrivals.dataset(PatientID="P1", PatientName="Secret^Susan", AccessionNumber="A1")
    studies.register([arrivals.incoming(made, data_dir / "arrived", emergency)], actor=SYSTEM)
    found = Study.objects.select_related("patient").get()
    studies.place_study(found, PlannedPlacement(orthopaedics.pk, "requesting", "test"), actor=SYSTEM)
    return found


def everybody(emergency: Department, orthopaedics: Department, cardiology: Department) -> list[User]:
    """A person of each role in each place, some cleared, some by a group, one switched off, one whose time is over."""
    people = []
    for number, role in enumerate(Role):
        for place in (emergency, orthopaedics, cardiology):
            clears = [Label.VIP] if number % 2 else []
            people.append(
                MembershipFactory.create(user=UserFactory.create(), department=place, role=role, clears=clears).user
            )
    line = DepartmentGroup.objects.create(code="line", name="Line")
    line.departments.set([orthopaedics, cardiology])
    by_group = UserFactory.create()
    accounts.add_membership(actor=SYSTEM, user=by_group, group=line, role=Role.RADIOLOGIST)
    gone = MembershipFactory.create(
        department=emergency, valid_from=timezone.now() - timedelta(days=2), valid_until=timezone.now()
    ).user
    off = MembershipFactory.create(user=UserFactory.create(is_active=False), department=emergency).user
    return [*people, by_group, gone, off]


@pytest.mark.parametrize("label", ["", *Label])
def test_what_is_said_of_each_person_is_what_the_persons_scope_gives(
    study: Study, emergency: Department, orthopaedics: Department, label: str, cardiology: Department
) -> None:
    people = everybody(emergency, orthopaedics, cardiology)
    alone, broke = UserFactory.create(), UserFactory.create()
    for user, gives in ((alone, Grant.Gives.DOWNLOAD), (broke, Grant.Gives.EMERGENCY)):
        place = accounts.own_place_of(user, site=emergency.site)
        grant(study, place, gives)
    grant(study, cardiology, Grant.Gives.VIEW)
    if label:
        studies.protect(study, label, reason="test", actor=SYSTEM)
    told: dict[int, set[Right]] = {}
    for reader in readers.readers_of(study).people:
        told.setdefault(reader.user.pk, set()).update(reader.rights)
    for user in [*people, alone, broke]:
        scope = scope_of_user(User.objects.get(pk=user.pk))
        held = {right for right in Right if Study.objects.visible_to(scope, right).exists()}
        assert told.get(user.pk, set()) == held, (user.pk, label)


@pytest.fixture
def cardiology(emergency: Department) -> Department:
    """A third department."""
    return Department.objects.create(site=emergency.site, code="cardiology", name="Cardiology")


def grant(study: Study, holder: Department, gives: Grant.Gives) -> Grant:
    until = timezone.now() + timedelta(hours=1)
    return studies.grant(study, holder=holder, gives=gives, basis=Grant.Basis.REQUEST, actor=SYSTEM, until=until)


@pytest.fixture
def officer(emergency: Department) -> Client:
    """A browser of a privacy officer of the staff."""
    user = UserFactory.create(is_staff=True)
    MembershipFactory.create(user=user, department=emergency, role=Role.PRIVACY_OFFICER)
    client = Client()
    client.force_login(user)
    return client


def test_the_privacy_officer_asks_who_can_see_a_study_and_that_is_on_record(
    study: Study, officer: Client, alice: User, charlie: User
) -> None:
    address = reverse("admin:who_can_see")
    for asked in ("A1", study.study_instance_uid):
        text = officer.get(address, {"study": asked}).content.decode()
        assert "Alice Martin" in text
        assert "Charlie" not in text
        assert "Secret" not in text
    assert AuditEvent.objects.filter(action="access.explained", patient_id="P1").exists()
    assert "No study, or more than one" in officer.get(address, {"study": "<script>"}).content.decode()
    stranger = Client()
    stranger.force_login(UserFactory.create(is_staff=True))
    assert stranger.get(address, {"study": "A1"}).status_code == 403


def test_which_records_of_the_hospital_are_protected_is_told_to_the_privacy_desk_alone(
    study: Study, officer: Client, orthopaedics: Department
) -> None:
    studies.protect(study.patient, Label.VIP, reason="a minister", actor=SYSTEM)
    address = reverse("admin:imaging_protection_changelist")
    assert "a minister" in officer.get(address).content.decode()
    head = UserFactory.create(is_staff=True)
    MembershipFactory.create(user=head, department=orthopaedics, role=Role.DEPARTMENT_MANAGER)
    client = Client()
    client.force_login(head)
    assert client.get(address).status_code == 403


def test_the_head_of_the_department_is_told_who_else_can_see_it_and_others_are_not(
    study: Study, alice: User, emergency: Department, client: Client
) -> None:
    address = f"/studies/{study.study_instance_uid}/why"
    client.force_login(alice)
    assert "Who else can see it" not in client.get(address).content.decode()
    head = MembershipFactory.create(department=emergency, role=Role.DEPARTMENT_MANAGER).user
    client.force_login(head)
    text = client.get(address).content.decode()
    assert "Who else can see it" in text
    assert "Alice Martin" in text


def add(client: Client, **fields: str) -> int:
    form = {"study_number": "", "patient_number": "", "issuer": "", "label": "vip", "reason": "press", **fields}
    return int(client.post(reverse("admin:imaging_protection_add"), form).status_code)


def test_the_privacy_desk_restricts_and_releases_any_patient_by_number(
    study: Study, officer: Client, alice: User
) -> None:
    assert add(officer, patient_number="P1", label="restricted", reason="contested") == 302
    held = Protection.objects.live().get()
    assert (held.patient, held.label) == (study.patient, Label.RESTRICTED)
    assert not Study.objects.visible_to(scope_of_user(alice)).exists()
    address = reverse("admin:imaging_protection_change", args=[held.pk])
    assert "Secret" not in officer.get(address).content.decode()
    officer.post(address, {"reason": ""})
    assert Protection.objects.live().exists()
    officer.post(address, {"reason": "settled"})
    assert Study.objects.visible_to(scope_of_user(alice)).exists()
    for wrong in (
        {},
        {"patient_number": "P1", "study_number": "A1"},
        {"study_number": "A2"},
        {"study_number": "A1", "reason": ""},
    ):
        assert add(officer, **wrong) == 200, wrong
    assert not Protection.objects.live().exists()


def test_administrators_of_the_portal_have_no_hand_in_labels(study: Study, client: Client, alice: User) -> None:
    client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    held = studies.protect(study, Label.VIP, reason="x", actor=SYSTEM)
    assert add(client, study_number="A1") == 403
    assert client.post(reverse("admin:imaging_protection_change", args=[held.pk]), {"reason": "x"}).status_code == 403
    assert Protection.objects.live().get() == held


def test_what_a_person_can_do_names_the_grants_of_the_person(
    study: Study, emergency: Department, charlie: User
) -> None:
    grant(study, accounts.own_place_of(charlie, site=emergency.site), Grant.Gives.VIEW)
    told = powers.powers_of_person(User.objects.get(pk=charlie.pk)).further
    assert [part.heading for part in told] == ["1 grant to this person alone"]
    assert "one study, view, access request, until" in told[0].lines[0]
