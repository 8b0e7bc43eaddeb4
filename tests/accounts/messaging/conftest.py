"""A kind of message of our own, a mail server, and an administrator's browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.messaging import kinds
from accounts.messaging.kinds import Channel, Form, MessageKind, Place
from tests.accounts.messaging import mail_sink
from tests.accounts.messaging.mail_sink import MailSink
from tests.factories.accounts import PASSWORD, UserFactory

LINK = MessageKind(
    name="test.link",
    channel=Channel.MAIL,
    label="Link",
    places=(
        Place("who", "who sends", "Dr Martin"),
        Place("link", "the link", "https://images.example/s/1/#x", form=Form.LINK),
        Place("code", "the code", "ABCD", form=Form.CODE),
        Place("note", "a message", "See you soon.", form=Form.WORDS),
    ),
    needs=frozenset({"link"}),
    subject="Images from {who}",
    body="{who} shares images.\n\n{link}\n\nCode: {code}\n\n{note}",
)
VALUES = {"who": "Dr Martin", "link": "https://images.example/s/abc/#secret", "code": "AB12", "note": ""}


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind of our own, forgotten afterwards."""
    monkeypatch.setattr(kinds, "_REGISTRY", dict(kinds._REGISTRY))
    kinds.register(LINK)


@pytest.fixture
def sink(settings: Any) -> Iterator[MailSink]:
    """The mail server to which the portal is set up."""
    with mail_sink.serving() as found:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", found.port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_TIMEOUT = 20
        settings.DEFAULT_FROM_EMAIL = "Imaging <imaging@hospital.example>"
        yield found


@pytest.fixture
def office(db: None) -> Client:
    """A browser in which an administrator has just signed in."""
    UserFactory.create(username="root", is_staff=True, is_superuser=True)
    browser = Client()
    browser.post(reverse("account_login"), {"login": "root", "password": PASSWORD})
    return browser
