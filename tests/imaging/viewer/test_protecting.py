"""The label on the pages, who puts it on and takes it off, and what “why can I see this?” answers to each reader."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone, translation

from accounts import services as accounts
from accounts.actor import SYSTEM
from accounts.labels import Label
from accounts.models import Department, DepartmentGroup, Membership, User
from accounts.roles import Right, Role
from accounts.scope import scope_of_user
from imaging.studies import reasons
from imaging.studies import services as studies
from imaging.studies.models import Grant, Protection, Study
from imaging.studies.rows.incoming import PlannedPlacement
from tests.factories import arrivals
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(data_dir: Path, emergency: Department) -> Study:
    """A study of emergency."""
    made = arrivals.dataset(PatientID="P1", PatientName="Moreau^Lucie")
    studies.register([arrivals.incoming(made, data_dir / "arrived", emergency)], actor=SYSTEM)
    return Study.objects.select_related("patient").get()


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(user: User, address: str) -> str:
    answer = browser_of(user).get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return answer.content.decode()


def page_of(study: Study, step: str = "") -> str:
    return f"/studies/{study.study_instance_uid}/{step}"


def member(department: Department, role: Role, **more: object) -> User:
    return MembershipFactory.create(user=UserFactory.create(), department=department, role=role, **more).user


def post(user: User, study: Study, step: str, **fields: str) -> int:
    return int(browser_of(user).post(page_of(study, step), fields).status_code)


def test_the_head_of_the_department_protects_and_takes_off_with_a_reason(study: Study, emergency: Department) -> None:
    head, clinician = member(emergency, Role.DEPARTMENT_MANAGER), member(emergency, Role.CLINICIAN)
    assert "Protect" in text_of(head, page_of(study))
    assert post(head, study, "protect", label="staff", about="patient", reason="a nurse of ours") == 302
    held = Protection.objects.live().get()
    assert (held.patient, held.set_by, held.reason) == (study.patient, head, "a nurse of ours")
    assert browser_of(clinician).get(page_of(study)).status_code == 404
    text = text_of(head, page_of(study))
    assert "a nurse of ours" in text
    assert "In Emergency the role Department manager is cleared for that." in text
    assert ">Staff</span>" in text_of(head, "/studies/rows")
    assert ">Staff</span>" in text_of(head, f"/viewer/{study.study_instance_uid}/")
    assert post(head, study, f"protections/{held.pk}/lift", reason="") == 302
    assert Protection.objects.live().exists(), "without a reason nothing changes"
    assert post(head, study, f"protections/{held.pk}/lift", reason="left the hospital") == 302
    assert browser_of(clinician).get(page_of(study)).status_code == 200


def test_who_protects_beyond_the_own_clearance_is_told_and_led_to_the_list(study: Study, emergency: Department) -> None:
    head = member(emergency, Role.DEPARTMENT_MANAGER)
    answer = browser_of(head).post(
        page_of(study, "protect"), {"label": "vip", "about": "study", "reason": "x"}, follow=True
    )
    assert answer.redirect_chain == [("/", 302)]
    assert "do not see it any more" in answer.content.decode()
    assert "Moreau" not in answer.content.decode()


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.DEPARTMENT_MANAGER])
def test_no_other_reader_puts_labels_on_or_takes_them_off(study: Study, emergency: Department, role: Role) -> None:
    reader = member(emergency, role, clears=[Label.STAFF])
    held = studies.protect(study, Label.STAFF, reason="x", actor=SYSTEM)
    expected = 403 if scope_of_user(reader).may(Right.LIST) else 404
    assert post(reader, study, "protect", label="vip", about="study", reason="x") == expected
    assert post(reader, study, f"protections/{held.pk}/lift", reason="x") == expected
    assert Protection.objects.live().get() == held


def test_the_restriction_of_the_privacy_desk_and_labels_of_others_are_out_of_reach(
    study: Study, emergency: Department, data_dir: Path
) -> None:
    head = member(emergency, Role.DEPARTMENT_MANAGER)
    assert post(head, study, "protect", label="restricted", about="study", reason="x") == 302
    assert post(head, study, "protect", label="<script>", about="study", reason="x") == 302
    assert not Protection.objects.exists()
    other = arrivals.dataset(PatientID="P2")
    studies.register([arrivals.incoming(other, data_dir / "arrived", emergency)], actor=SYSTEM)
    theirs = studies.protect(Study.objects.exclude(pk=study.pk).get(), Label.STAFF, reason="x", actor=SYSTEM)
    post(head, study, f"protections/{theirs.pk}/lift", reason="x")
    assert Protection.objects.live().get() == theirs


def test_a_head_elsewhere_who_was_granted_the_study_does_not_label_it(
    study: Study, emergency: Department, orthopaedics: Department
) -> None:
    head = member(orthopaedics, Role.DEPARTMENT_MANAGER)
    grant(study, orthopaedics)
    assert "Protect this study" not in text_of(head, page_of(study))
    assert post(head, study, "protect", label="staff", about="patient", reason="x") == 403


def grant(study: Study, holder: Department, **changes: object) -> Grant:
    terms: dict[str, object] = {
        "gives": Grant.Gives.VIEW,
        "basis": Grant.Basis.REQUEST,
        "until": timezone.now() + timedelta(days=7),
    }
    return studies.grant(study, holder=holder, actor=SYSTEM, reason="second opinion", **{**terms, **changes})  # type: ignore[arg-type]


def test_each_reader_is_told_the_own_reason_and_what_it_allows(
    study: Study, emergency: Department, orthopaedics: Department, alice: User, bob: User, charlie: User
) -> None:
    text = text_of(alice, page_of(study, "why"))
    assert "Emergency made this study, and your role there is: Clinician." in text
    assert "Download it" in text
    grant(study, orthopaedics)
    text = text_of(bob, page_of(study, "why"))
    assert "Access was granted to Orthopaedics, where your role is: Clinician." in text
    assert "second opinion" in text
    assert "Not: download it" in text
    assert "Emergency made" not in text
    accounts.add_membership(actor=SYSTEM, user=charlie, department=DepartmentFactory.create(), role=Role.CLINICIAN)
    place = accounts.own_place_of(charlie, site=emergency.site)
    grant(study, place, gives=Grant.Gives.EMERGENCY, basis=Grant.Basis.EMERGENCY)
    studies.protect(study, Label.RESTRICTED, reason="art. 18", actor=SYSTEM)
    text = text_of(charlie, page_of(study, "why"))
    assert "You opened it in an emergency" in text
    assert "In an emergency that does not keep you away." in text
    for stranger in (alice, bob):
        assert browser_of(stranger).get(page_of(study, "why")).status_code == 404
    browser = browser_of(charlie)
    with translation.override("fr"):
        assert browser.get(page_of(study, "why"), headers={"accept-language": "fr"}).status_code == 200


def test_the_group_by_which_a_role_is_held_is_named(study: Study, emergency: Department, charlie: User) -> None:
    line = DepartmentGroup.objects.create(code="acute", name="Acute care")
    line.departments.add(emergency)
    accounts.add_membership(actor=SYSTEM, user=charlie, group=line, role=Role.TRAINEE)
    text = text_of(charlie, page_of(study, "why"))
    assert "your role there is: Trainee" in text
    assert "by the group “Acute care”" in text


def test_what_the_reasons_allow_is_what_the_scope_gives(
    study: Study, emergency: Department, orthopaedics: Department
) -> None:
    studies.place_study(study, PlannedPlacement(orthopaedics.pk, "requesting", "test"), actor=SYSTEM)
    for role in Role:
        for department in (emergency, orthopaedics):
            scope = scope_of_user(member(department, role))
            given = reasons.rights_given(reasons.reasons_of(study, scope=scope))
            held = {right for right in Right if Study.objects.visible_to(scope, right).exists()}
            assert given == held, (role, department)
    Membership.objects.all().delete()
