"""People who write reports of one study: a radiologist who signs, a trainee who does not, a clinician who reads."""

from collections.abc import Callable

import pytest
from django.test import Client
from pydicom.dataset import Dataset

from accounts.actor import Actor
from accounts.models import Department, User
from accounts.roles import Role
from accounts.scope import scope_of_user
from imaging.reports.writing import selectors, services
from imaging.reports.writing.selectors import Writer
from imaging.reports.writing.services import Wish
from imaging.studies.models import Study
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.studies_in_archive import Archive

Writes = Callable[..., object]


def member(department: Department, role: Role, name: str) -> User:
    """Somebody of a department."""
    user = UserFactory.create(username=name.casefold().replace(" ", "-"), display_name=name)
    MembershipFactory.create(user=user, department=department, role=role)
    return user


def as_writer(user: User) -> Writer:
    """The person, as pages know them."""
    actor = Actor(kind="user", id=str(user.pk), name=user.get_username())
    found = selectors.writer(user, actor=actor, scope=scope_of_user(user, actor=actor))
    assert found is not None
    return found


def text(impression: str = "Fracture of the fifth metacarpal.", **more: str) -> list[dict[str, str]]:
    """The sections of a report."""
    given = {"findings": "A transverse fracture.", "impression": impression, **more}
    return [{"code": code, "title": code.capitalize(), "text": words} for code, words in given.items()]


def wish(impression: str = "Fracture of the fifth metacarpal.", *, seen: int = 0, **more: str) -> Wish:
    """What an editor sends."""
    return Wish(text(impression, **more), seen, "en")


@pytest.fixture
def image(archive: Archive) -> Dataset:
    """One image of emergency."""
    made = arrivals.dataset()
    archive.receive(made)
    return made


@pytest.fixture
def study(image: Dataset) -> Study:
    """The study that is reported."""
    return Study.objects.select_related("patient").get(study_instance_uid=image.StudyInstanceUID)


@pytest.fixture
def radiologist(emergency: Department) -> User:
    """Signs."""
    return member(emergency, Role.RADIOLOGIST, "Rita Roux")


@pytest.fixture
def colleague(emergency: Department) -> User:
    """Signs too."""
    return member(emergency, Role.RADIOLOGIST, "Carl Colin")


@pytest.fixture
def trainee(emergency: Department) -> User:
    """Writes, and does not sign finally."""
    return member(emergency, Role.TRAINEE, "Tom Thierry")


@pytest.fixture
def clinician(emergency: Department) -> User:
    """Reads."""
    return member(emergency, Role.CLINICIAN, "Clara Caron")


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    """`client_of(user)` is signed in."""

    def made(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return made


def saved(user: User, study: Study, **more: str) -> int:
    """The revision of a new draft."""
    return services.save(as_writer(user), study, wish(**more)).revision
