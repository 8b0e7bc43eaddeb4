"""People are told in the transaction of the cause, once, in their language, as they prefer; mails survive what dies."""

from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from django.utils.translation import gettext_lazy

from accounts.actor import SYSTEM, Actor
from accounts.models import Notification, User
from accounts.notifications import groups, kinds, mailing, services
from accounts.notifications.kinds import Kind, Told
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


def _title(told: Told) -> str:
    return f"{told['count']} × {told['what']}"


PICTURES = Kind(
    name="test.pictures",
    group=groups.REQUESTS,
    label=gettext_lazy("Yes"),
    title=_title,
    text=gettext_lazy("Yes"),
    takes=frozenset({"what"}),
)
ALARM = Kind(
    name="test.alarm",
    group=groups.CRITICAL,
    label=gettext_lazy("Yes"),
    title=gettext_lazy("Yes"),
    text=gettext_lazy("No"),
    urgent=True,
    keeps_mail=True,
)


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two kinds of our own, forgotten afterwards."""
    monkeypatch.setattr(kinds, "_REGISTRY", dict(kinds._REGISTRY))
    kinds.register(PICTURES)
    kinds.register(ALARM)


@pytest.fixture
def ana() -> User:
    """Somebody with an address, who reads French."""
    return UserFactory.create(email="ana@hospital.example", language="fr")


def tell(person: User, kind: Kind = PICTURES, *, uid: str = "1", actor: Actor = SYSTEM, **params: Any) -> int:
    """Tell one person of one subject."""
    values = params or ({"what": "pictures"} if kind is PICTURES else {})
    return services.notify([person], kind, path="/studies/1/", subject=("study", uid), params=values, actor=actor)


def test_ten_pictures_are_one_notification_and_one_mail(ana: User) -> None:
    for _picture in range(10):
        tell(ana)
    (row,) = Notification.objects.all()
    assert row.count == 10
    assert mailing.send_due() == 1
    assert [message.subject for message in mail.outbox] == ["10 × pictures"]
    assert mailing.send_due() == 0
    services.mark_read(ana)
    tell(ana)
    assert Notification.objects.count() == 2, "what happens after reading is new"


def test_the_mail_is_in_the_readers_language_and_leads_to_the_page(ana: User) -> None:
    tell(ana, ALARM)
    mailing.send_due()
    (message,) = mail.outbox
    assert (message.subject, message.to) == ("Oui", ["ana@hospital.example"])
    assert message.body.startswith("Non\n\n")
    assert message.body.endswith("/studies/1/\n")


def test_nothing_is_told_of_what_was_rolled_back(ana: User) -> None:
    def fail() -> None:
        with transaction.atomic():
            tell(ana)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not Notification.objects.exists()
    assert mailing.send_due() == 0


def test_neither_who_did_it_nor_who_left_is_told(ana: User) -> None:
    gone = UserFactory.create(is_active=False)
    actor = Actor(kind="user", id=str(ana.pk), name="ana")
    assert services.notify([ana, gone], PICTURES, path="/", params={"what": "x"}, actor=actor) == 0


def test_what_is_preferred_holds_but_for_what_cannot_be_switched_off(ana: User) -> None:
    services.prefer(ana, {PICTURES.name: (False, False), ALARM.name: (False, False), "no.such": (True, True)})
    assert tell(ana) == 0
    assert tell(ana, ALARM) == 1
    row = Notification.objects.get()
    assert row.in_page
    assert row.mail_due_at is not None


def test_who_wants_mail_alone_has_read_it_with_the_mail(ana: User) -> None:
    services.prefer(ana, {PICTURES.name: (False, True)})
    tell(ana)
    tell(ana)
    assert mailing.send_due() == 1
    assert Notification.objects.get().read_at is not None


def test_what_was_read_in_the_page_is_not_mailed_but_for_what_concerns_security(ana: User) -> None:
    tell(ana)
    tell(ana, ALARM)
    services.mark_read(ana)
    assert mailing.send_due() == 1
    assert mail.outbox[0].subject == "Oui"


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example/", "/\\evil.example/", "", "/" + "a" * 300])
def test_only_pages_of_ours_are_led_to(ana: User, path: str) -> None:
    with pytest.raises(ValueError, match="page of the portal"):
        services.notify([ana], PICTURES, path=path, actor=SYSTEM)


def test_a_kind_takes_its_own_parameters_only(ana: User) -> None:
    for params in ({"patient": "Susan"}, {"count": 3}):
        with pytest.raises(ValueError, match="does not take"):
            tell(ana, **params)
    with pytest.raises(ValueError, match="too long"):
        tell(ana, what="x" * 5000)
    tell(ana, what="two\nlines\r\nBcc: all@hospital.example")
    assert mailing.send_due() == 1
    assert mail.outbox[0].recipients() == ["ana@hospital.example"]


class Server:
    """A mail server that is away, or takes nothing."""

    def __init__(self, *, away: bool) -> None:
        self.away = away

    def open(self) -> bool:
        """Connect."""
        if self.away:
            raise ConnectionRefusedError
        return True

    def send_messages(self, _messages: list[Any]) -> int:
        """Refuse."""
        raise TimeoutError

    def close(self) -> None:
        """Nothing is open."""


def test_a_mail_server_that_is_away_is_waited_for(ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(ana)
    with monkeypatch.context() as patch:
        patch.setattr(mailing, "get_connection", lambda: Server(away=True))
        for _turn in range(20):
            assert mailing.send_due() == 0
    assert Notification.objects.get().mail_attempts == 0
    assert mailing.send_due() == 1


def test_a_mail_that_is_refused_is_tried_a_few_times(ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(ana)
    monkeypatch.setattr(mailing, "get_connection", lambda: Server(away=False))
    tried = 0
    while (row := Notification.objects.get()).mail_due_at is not None:
        Notification.objects.update(mail_due_at=row.created_at)
        assert mailing.send_due() == 0
        tried += 1
    assert (tried, row.mail_problem) == (mailing.MOST_ATTEMPTS, "TimeoutError")
    assert row.read_at is None, "it still stands in the page"


def test_a_process_that_dies_while_it_sends_leaves_the_mail_for_later(
    ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(ana)
    with monkeypatch.context() as patch:
        patch.setattr(mailing, "_message", lambda row: exec("raise KeyboardInterrupt"))
        with pytest.raises(KeyboardInterrupt):
            mailing.send_due()
    row = Notification.objects.get()
    assert (row.mail_attempts, row.mailed_at) == (1, None)
    assert mailing.send_due() == 0, "another process may be sending it"
    Notification.objects.update(mail_due_at=row.created_at)
    assert mailing.send_due() == 1


def test_who_has_no_address_is_told_in_the_page_alone() -> None:
    person = UserFactory.create(email="")
    tell(person)
    assert mailing.send_due() == 0
    assert Notification.objects.get().mail_due_at is None


def test_old_ones_are_forgotten_but_for_mails_that_are_owed(ana: User) -> None:
    tell(ana)
    Notification.objects.update(happened_at="2020-01-01T00:00:00Z")
    assert services.prune() == 0
    mailing.send_due()
    assert services.prune() == 1
