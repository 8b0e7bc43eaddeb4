"""Emergency asks, radiology does; Ines asks, Paul vets, and Noe of orthopaedics is a stranger to both."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.actor import SYSTEM, Actor
from accounts.models import Department, User
from accounts.roles import Role
from accounts.scope import scope_of_user
from imaging.orders.catalogue import services as catalogue
from imaging.orders.models import ExamRequest, Procedure
from imaging.orders.requesting import selectors, services
from imaging.orders.requesting.policies import Asker
from imaging.studies import services as studies
from imaging.studies.models import Study
from imaging.studies.rows.incoming import PlannedPlacement
from tests.factories import arrivals
from tests.factories.accounts import DepartmentFactory, MembershipFactory, SiteFactory, UserFactory

Register = Callable[..., Study]


@pytest.fixture
def emergency() -> Department:
    site = SiteFactory.create(name="Saint-Luc", issuer_of_patient_id="SLUC")
    return DepartmentFactory.create(code="emergency", name="Emergency", site=site)


@pytest.fixture
def radiology(emergency: Department) -> Department:
    return DepartmentFactory.create(code="radiology", name="Radiology", site=emergency.site)


@pytest.fixture
def paul(radiology: Department) -> User:
    user = UserFactory.create(username="paul", display_name="Paul Roy")
    MembershipFactory.create(user=user, department=radiology, role=Role.RADIOLOGIST)
    return user


@pytest.fixture
def ines(emergency: Department, paul: User) -> User:
    user = UserFactory.create(username="ines", display_name="Ines Caron")
    MembershipFactory.create(user=user, department=emergency, role=Role.CLINICIAN)
    return user


@pytest.fixture
def noe(emergency: Department) -> User:
    user = UserFactory.create(username="noe")
    department = DepartmentFactory.create(code="orthopaedics", site=emergency.site)
    MembershipFactory.create(user=user, department=department, role=Role.CLINICIAN)
    return user


@pytest.fixture
def registered(data_dir: Path, radiology: Department, emergency: Department) -> Register:
    """`registered(**header)` is a study of radiology that emergency may see."""

    def register(**changes: Any) -> Study:
        made = arrivals.dataset(**changes)
        studies.register([arrivals.incoming(made, data_dir / "arrived", radiology)], actor=SYSTEM)
        study = Study.objects.select_related("patient").get(study_instance_uid=made.StudyInstanceUID)
        studies.place_study(study, PlannedPlacement(emergency.pk, "requesting", "rule"), actor=SYSTEM)
        return study

    return register


@pytest.fixture
def catalogued() -> None:
    catalogue.load_starter(actor=SYSTEM)


def asker(user: User) -> Asker:
    """The person as one who asks now."""
    user = User.objects.get(pk=user.pk)
    actor = Actor(kind="user", id=str(user.pk), name=user.get_username(), door="page")
    person = selectors.asker(user, actor=actor, scope=scope_of_user(user))
    assert person is not None
    return person


TYPED = {"typed_name": "Durand^Paul", "typed_sex": "M", "typed_patient_id": "77"}


def draft(user: User, code: str = "DX-HAND", **changes: Any) -> ExamRequest:
    """A draft that could be sent."""
    person = asker(user)
    request = services.begin(person, typed=TYPED)
    values = {
        "procedure": Procedure.objects.get(code=code),
        "laterality": "L",
        "clinical_question": "Fall on the hand, fracture?",
        **changes,
    }
    return services.save(person, request.key, values, {}, seen_version=None)


def sent(user: User, **changes: Any) -> ExamRequest:
    """A request that was sent."""
    made = draft(user, **changes)
    return services.send(asker(user), made.key, seen_version=None)
