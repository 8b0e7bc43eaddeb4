"""Whom a notification concerns is told to those who may see it, and to nobody else."""

import pytest

from accounts.models import Department
from accounts.notifications import subjects
from accounts.roles import Role
from accounts.scope import scope_of_user
from imaging.orders.models import ExamRequest, Procedure, Region
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_a_request_is_named_to_who_may_see_it() -> None:
    ward: Department = DepartmentFactory.create()
    procedure = Procedure.objects.create(code="hand", name="Hand X-ray", modality="DX", region=Region.UPPER_LIMB)
    request = ExamRequest.objects.create(
        state=ExamRequest.State.REQUESTED, requesting_department=ward, procedure=procedure, typed_name="Secret^Susan"
    )
    asked = [("exam_request", str(request.key)), ("exam_request", "7"), ("nothing", "7")]
    nurse, stranger = UserFactory.create(), UserFactory.create()
    MembershipFactory.create(user=nurse, department=ward, role=Role.CLINICIAN)
    MembershipFactory.create(user=stranger, department=DepartmentFactory.create(), role=Role.CLINICIAN)
    told = subjects.described(scope_of_user(nurse), asked)
    assert told == {("exam_request", str(request.key)): "Secret, Susan · Hand X-ray"}
    assert subjects.described(scope_of_user(stranger), asked) == {}
