"""Objects that were set aside by the real way in, and the people who decide about them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from accounts.actor import Actor
from accounts.models import Department, User
from accounts.roles import Role
from accounts.scope import scope_of_user
from imaging.ingest import registrar, services
from imaging.ingest.desk import selectors
from imaging.ingest.desk.policies import Decider
from imaging.ingest.models import QuarantinedObject
from imaging.ingest.source import Source
from imaging.studies.reading import metadata
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory

Receive = Callable[..., list[QuarantinedObject]]


@pytest.fixture
def receive(data_dir: Path, settings: Any) -> Receive:
    """`receive(dataset, …, sender=…, departments=[…])` lets objects in; what was set aside of them is returned."""
    settings.SPOOL_RESERVE = lambda _total: 0
    metadata.remembered.clear()

    def received(
        *made: Dataset | bytes, sender: str = "CT1", departments: list[Department] | None = None
    ) -> list[QuarantinedObject]:
        ids = tuple(department.pk for department in departments or [])
        source = Source(door="dimse", sender=sender, address="10.0.0.7", department_ids=ids)
        known = set(QuarantinedObject.objects.values_list("pk", flat=True))
        for one in made:
            content = one if isinstance(one, bytes) else arrivals.encoded(one)
            arrivals.hand_over(content, source)
        registrar.drain(services.spool())
        return list(QuarantinedObject.objects.exclude(pk__in=known).order_by("pk"))

    return received


@dataclass(frozen=True)
class Staff:
    """People who may decide: one in emergency, one in orthopaedics, one in both."""

    emergency: User
    orthopaedics: User
    both: User


@pytest.fixture
def staff(emergency: Department, orthopaedics: Department) -> Staff:
    """Radiographers."""
    people = [UserFactory.create(username=name) for name in ("rosa", "omar", "bea")]
    for person, places in zip(people, ([emergency], [orthopaedics], [emergency, orthopaedics]), strict=True):
        for place in places:
            MembershipFactory.create(user=person, department=place, role=Role.RADIOGRAPHER)
    return Staff(*people)


def at_desk(user: User) -> Decider:
    """The person as one who decides."""
    actor = Actor(kind="user", id=str(user.pk), name=user.username, door="page")
    found = selectors.decider(user, actor=actor, scope=scope_of_user(user, actor=actor))
    assert found is not None
    return found
