"""Alice's collection of a chest film, lent to Bob of orthopaedics, who sees nothing of emergency by himself."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.actor import Actor
from accounts.models import Department, User
from accounts.scope import scope_of_user
from imaging.sharing.collections import gathering, people, services
from imaging.sharing.collections.people import Person
from imaging.sharing.collections.policies import Rights, Wish
from imaging.sharing.models import Collection
from imaging.studies.models import Study
from tests import memories


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> None:
    """Decisions of another test count for none of this one."""
    memories.forget()


def who(user: User) -> Person:
    """Somebody as collections know them at this moment."""
    actor = Actor(kind="user", id=str(user.pk), name=user.get_username())
    found = people.person(user, scope=scope_of_user(user, actor=actor), actor=actor)
    assert found is not None
    return found


def signed_in(user: User) -> Client:
    """A browser of somebody's."""
    client = Client()
    client.force_login(user)
    return client


Making = Callable[..., Collection]


@pytest.fixture
def making(alice: User, emergency: Department) -> Making:
    """Alice makes a collection of these studies."""

    def made(*studies: Study, **wish: Any) -> Collection:
        said = {"name": "Thorax board", "kind": "tumour_board", "department": emergency.pk, **wish}
        collection = services.make(who(alice), Wish(**said))
        gathering.add(collection, who(alice), [study.study_instance_uid for study in studies])
        return collection

    return made


@pytest.fixture
def board(making: Making, chest: Study, bob: User, alice: User) -> Collection:
    """The chest film, which Bob may look at."""
    collection = making(chest)
    services.set_member(collection, who(alice), Rights(), user=bob)
    return collection
