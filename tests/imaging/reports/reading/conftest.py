"""Radiology reads what emergency asked for: Rita and Ralf read, Tom is in training, Alice asked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.actor import SYSTEM, Actor
from accounts.models import Department, User
from accounts.roles import Role
from accounts.scope import scope_of_user
from imaging.reports.models import ReadingItem
from imaging.reports.reading import selectors, services
from imaging.reports.reading.asked import Asked
from imaging.reports.reading.selectors import Reader
from imaging.studies import services as studies
from imaging.studies.models import Study
from tests.factories import arrivals
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory

ToRead = Callable[..., ReadingItem]
ReaderOf = Callable[[User], Reader]


@pytest.fixture
def radiology(emergency: Department) -> Department:
    """The department that makes and reads the images."""
    return DepartmentFactory.create(code="radiology", name="Radiology", name_fr="Radiologie", site=emergency.site)


@pytest.fixture
def rita(radiology: Department) -> User:
    """A radiologist."""
    user = UserFactory.create(username="rita", display_name="Rita Blanc")
    MembershipFactory.create(user=user, department=radiology, role=Role.RADIOLOGIST)
    return user


@pytest.fixture
def ralf(radiology: Department) -> User:
    """Another radiologist."""
    user = UserFactory.create(username="ralf", display_name="Ralf Noir")
    MembershipFactory.create(user=user, department=radiology, role=Role.RADIOLOGIST)
    return user


@pytest.fixture
def reader_of() -> ReaderOf:
    """`reader_of(user)` is the person as one who reads now."""

    def made(user: User) -> Reader:
        person = User.objects.get(pk=user.pk)
        actor = Actor(kind="user", id=str(person.pk), name=person.get_username(), door="page")
        found = selectors.reader(person, actor=actor, scope=scope_of_user(person))
        assert found is not None
        return found

    return made


@pytest.fixture
def to_read(data_dir: Path, radiology: Department) -> ToRead:
    """`to_read(priority=…, **header)` is a study of radiology that waits to be read."""

    def made(*, asked: Asked | None = None, owner: Department = radiology, **changes: Any) -> ReadingItem:
        dataset = arrivals.dataset(**changes)
        studies.register([arrivals.incoming(dataset, data_dir / "arrived", owner)], actor=SYSTEM)
        study = Study.objects.get(study_instance_uid=dataset.StudyInstanceUID)
        item = services.offer(study.study_instance_uid, asked=asked or Asked(performing_department_id=owner.pk))
        assert item is not None
        return item

    return made
