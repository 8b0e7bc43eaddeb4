"""A share of a chest film that Alice made, and browsers outside that open it."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone

from accounts.actor import Actor
from accounts.messaging import sending
from accounts.models import Department, User
from accounts.roles import Role
from accounts.scope import scope_of_user
from imaging.sharing.making import services
from imaging.sharing.making.policies import Wish
from imaging.sharing.making.services import Made, Person
from imaging.sharing.models import SharePolicy
from imaging.sharing.models.choices import Factor, Recipient
from imaging.studies.models import Study

Sharing = Callable[..., Made]
Letters = Callable[[], list[EmailMessage]]


def person(user: User, department: Department, role: Role = Role.CLINICIAN) -> Person:
    """Somebody who shares for a department."""
    actor = Actor(kind="user", id=str(user.pk), name=user.get_username())
    return Person(user, scope_of_user(user, actor=actor), actor, department, frozenset({role.value}))


def wish(*studies: Study, **changes: Any) -> Wish:
    """What a physician outside is usually given."""
    said: dict[str, Any] = {
        "studies": tuple(study.study_instance_uid for study in studies),
        "recipient": Recipient.COLLEAGUE,
        "name": "Dr Paul Mercier",
        "email": "paul.mercier@cabinet-mercier.example",
        "factor": Factor.EMAIL,
        "valid_until": timezone.now() + dt.timedelta(days=30),
        "most_opens": 5,
    }
    return Wish(**{**said, **changes})


@pytest.fixture
def sharing(alice: User, emergency: Department) -> Sharing:
    """Alice shares studies."""
    return lambda *studies, **changes: services.make(person(alice, emergency), wish(*studies, **changes))


@pytest.fixture
def outside() -> Client:
    """A browser that nobody signed in with."""
    return Client()


def open_link(browser: Client, made: Made) -> Any:
    """Press *Open* on the link."""
    return browser.post(f"/s/{made.share.key}/open", {"secret": made.handed.secret})


@pytest.fixture
def share_policy(emergency: Department) -> Callable[..., SharePolicy]:
    """The sharing rules of the emergency department."""
    return lambda **rules: SharePolicy.objects.update_or_create(department=emergency, defaults=rules)[0]


@pytest.fixture
def letters(mailoutbox: list[EmailMessage]) -> Letters:
    """The mails that have left by now, those that are owed among them."""

    def sent() -> list[EmailMessage]:
        sending.send_due()
        return mailoutbox

    return sent


def code_in(mail: EmailMessage) -> str:
    """The six digits of a mail."""
    found = re.search(r"\b(\d{3} ?\d{3})\b", str(mail.body))
    assert found, mail.body
    return found[1]
