"""A patient's standing link, given by Alice of the emergency department."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Department, User
from imaging.sharing.making.services import Made
from imaging.sharing.models import RecordPolicy
from imaging.sharing.models.choices import Factor
from imaging.sharing.models.records import IdentityCheck, Relation
from imaging.sharing.record import services
from imaging.sharing.record.policies import RecordWish
from imaging.studies.models import Study
from tests import memories
from tests.shared_links import open_link, person

Giving = Callable[..., Made]
Rules = Callable[..., RecordPolicy]


@pytest.fixture(autouse=True)
def nobody_tried_before() -> None:
    """Tries of an address are counted for all shares."""
    memories.forget()


@pytest.fixture
def rules(emergency: Department) -> Rules:
    """The rules of the emergency department about records, by which patients get links."""

    def set_to(**changes: Any) -> RecordPolicy:
        return RecordPolicy.objects.update_or_create(department=emergency, defaults={"is_given": True, **changes})[0]

    set_to()
    return set_to


def wish(study: Study, **changes: Any) -> RecordWish:
    """What a patient is usually given: a letter with a second code."""
    said: dict[str, Any] = {
        "study": study.study_instance_uid,
        "relation": Relation.SELF,
        "ground": "",
        "ground_words": "",
        "identity": IdentityCheck.CARD,
        "name": "",
        "email": "",
        "phone": "",
        "language": "en",
        "factor": Factor.PRINTED,
        "valid_until": timezone.now() + dt.timedelta(days=365),
        "sends": False,
    }
    return RecordWish(**{**said, **changes})


@pytest.fixture
def give(alice: User, emergency: Department, rules: Rules) -> Giving:
    """Alice gives a link to the record of a study's patient."""
    return lambda study, **changes: services.give(person(alice, emergency), wish(study, **changes))


def come_in(browser: Client, made: Made) -> str:
    """Open a link and give the second code; the address below which the record lies."""
    open_link(browser, made)
    browser.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})
    return f"/s/{made.share.key}/"
