"""A hospital with a study of radiology that emergency asked for; Bob asks from orthopaedics, Marc decides in emergency."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pydicom.dataset import Dataset

from accounts.actor import SYSTEM, Actor
from accounts.models import Department, User
from accounts.notifications import mailing
from accounts.roles import Role
from accounts.scope import scope_of_user
from imaging.access.matching import Asked
from imaging.access.requests import selectors, services
from imaging.access.requests.models import AccessRequest, Reason, Relation
from imaging.access.requests.policies import Asker, Ruling, Verdict, Wish
from imaging.studies import services as studies
from imaging.studies.models import Study
from imaging.studies.rows.incoming import PlannedPlacement
from tests.factories import arrivals
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory

Register = Callable[..., Study]
BORN = {"patient_id": "P1", "birth_date": "1970-01-02"}


def actor_of(user: User) -> Actor:
    """The person as an actor of the pages."""
    return Actor(kind="user", id=str(user.pk), name=user.get_username(), door="page")


def fresh(user: User) -> User:
    """The person as the database has it now."""
    return User.objects.get(pk=user.pk)


@pytest.fixture
def radiology(emergency: Department) -> Department:
    """The department that makes the images."""
    return DepartmentFactory.create(code="radiology", name="Radiology", name_fr="Radiologie", site=emergency.site)


@pytest.fixture
def marc(emergency: Department) -> User:
    """The manager of emergency."""
    user = UserFactory.create(username="marc", display_name="Marc Vidal")
    MembershipFactory.create(user=user, department=emergency, role=Role.DEPARTMENT_MANAGER)
    return user


@pytest.fixture
def cardio(emergency: Department) -> User:
    """A manager of a department that has nothing to do with it."""
    user = UserFactory.create(username="cardio")
    department = DepartmentFactory.create(code="cardiology", site=emergency.site)
    MembershipFactory.create(user=user, department=department, role=Role.DEPARTMENT_MANAGER)
    return user


@pytest.fixture
def registered(data_dir: Path, radiology: Department, emergency: Department) -> Register:
    """`registered(**changes)` is a study of radiology, asked for by emergency unless `also` says otherwise."""

    def register(*, owner: Department = radiology, also: Department | None = emergency, **changes: Any) -> Study:
        made: Dataset = arrivals.dataset(**changes)
        studies.register([arrivals.incoming(made, data_dir / "arrived", owner)], actor=SYSTEM)
        study = Study.objects.select_related("patient").get(study_instance_uid=made.StudyInstanceUID)
        if also is not None:
            studies.place_study(study, PlannedPlacement(also.pk, "requesting", "rule"), actor=SYSTEM)
        return study

    return register


@dataclass
class Desk:
    """What people do at the pages, without the pages: for the rules behind them."""

    def asker(self, user: User) -> Asker:
        """The person as one who asks now."""
        person = selectors.asker(fresh(user), actor=actor_of(user), scope=scope_of_user(fresh(user)))
        assert person is not None
        return person

    def ask(self, user: User, asked: Asked | None = None, **changes: Any) -> AccessRequest:
        """Ask for all of patient P1 for a day, unless told otherwise."""
        person = self.asker(user)
        asked = asked or Asked(patient_id="P1", name="Durand Hélène")
        found = selectors.elsewhere(person.scope, asked)
        assert found is not None
        wish = {
            "token": uuid.uuid4(),
            "department": min(person.departments),
            "relation": Relation.TREATING,
            "reason": Reason.CARE,
            "words": "Operation tomorrow",
            "hours": 24,
            **changes,
        }
        return services.ask(person, found, asked, Wish(**wish))

    def decide(self, user: User, request: AccessRequest, verdict: Verdict = Verdict.APPROVE, **more: Any) -> None:
        """Decide as this person."""
        ruling = Ruling(verdict=verdict, **{"hours": request.hours, "note": "told", **more})
        services.decide(fresh(user), request.pk, ruling, actor=actor_of(user))
        request.refresh_from_db()

    def sees(self, user: User) -> set[str]:
        """The UIDs of the studies that the person sees now."""
        rows = Study.objects.visible_to(scope_of_user(fresh(user)))
        return set(rows.values_list("study_instance_uid", flat=True))


@pytest.fixture
def desk() -> Desk:
    """People at work."""
    return Desk()


def work() -> None:
    """Send the mails that are owed."""
    mailing.send_due()


def seal_of(client: Client, **asked: str) -> str:
    """Look elsewhere, and return what goes on from a find."""
    answer = client.post("/access/elsewhere", asked, headers={"HX-Request": "true"})
    found = re.search(r'name="seal" value="([^"]+)"', answer.content.decode())
    assert found, answer.content.decode()
    return found[1]


FILLED = {
    "relation": "treating",
    "reason": "planning",
    "words": "Hip replacement tomorrow at eight",
    "hours": "24",
    "holder": "me",
    "target": "patient",
}


def ask_by_page(client: Client, department: Department, **changes: str) -> AccessRequest:
    """Look, fill the form in, send it."""
    seal = seal_of(client, **BORN)
    answer = client.post("/access/ask", {**FILLED, "seal": seal, "department": str(department.pk), **changes})
    assert answer.status_code == 302, answer.content.decode()
    return AccessRequest.objects.get(pk=int(answer["Location"].rstrip("/").rsplit("/", 1)[1]))
