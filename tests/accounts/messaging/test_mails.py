"""A mail to somebody outside leaves once, in their language, and nothing of what it said stays behind."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from accounts.messaging import notices, selectors, sending, services
from accounts.messaging.models import MessageTemplate, OutgoingMessage
from accounts.models import Department
from accounts.signing_in import sealing
from tests.accounts.messaging.conftest import LINK, VALUES
from tests.accounts.messaging.mail_sink import MailSink
from tests.factories.accounts import DepartmentFactory, SiteFactory

pytestmark = pytest.mark.django_db

TO = "referrer@clinic.example"


@pytest.fixture
def radiology() -> Department:
    """A department with a name in both languages."""
    return DepartmentFactory.create(
        name="Radiology", name_fr="Imagerie médicale", site=SiteFactory.create(name="CHU, Nord")
    )


def owe(**changes: Any) -> OutgoingMessage:
    """Owe a mail with a link."""
    given: dict[str, Any] = {"to": TO, "language": "en", "values": VALUES, "about": ("share", "abc")}
    return services.owe(LINK, **{**given, **changes})


def again(row: OutgoingMessage) -> OutgoingMessage:
    """Make what is owed due now, and read it again."""
    OutgoingMessage.objects.filter(pk=row.pk, due_at__isnull=False).update(due_at=timezone.now())
    row.refresh_from_db()
    return row


def test_a_mail_arrives_as_text_and_html_with_one_recipient(sink: MailSink, radiology: Department) -> None:
    row = owe(department=radiology, values={**VALUES, "note": "See you\n<b>soon</b>"})
    assert row.state == OutgoingMessage.State.OWED
    assert sending.send_due() == 1

    (mail,), (envelope,) = sink.mails, sink.envelopes
    assert envelope == ("imaging@hospital.example", [TO])
    assert mail["From"] == '"Radiology, CHU, Nord" <imaging@hospital.example>'
    assert (mail["To"], mail["Subject"]) == (TO, "Images from Dr Martin")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"] == row.message_id
    assert row.message_id.endswith("@hospital.example>")
    text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    html = mail.get_body(("html",)).get_content()
    assert text.startswith(
        "Dr Martin shares images.\n\nhttps://images.example/s/abc/#secret\n\nCode: AB12\n\nSee you\n<b>"
    )
    assert '<a href="https://images.example/s/abc/#secret"' in html
    assert "See you<br>&lt;b&gt;soon" in html
    for tracking in ("<img", "<script", "<link", "url("):
        assert tracking not in html


def test_nothing_of_what_it_said_stays_once_it_has_left(sink: MailSink) -> None:
    row = owe()
    kept = OutgoingMessage.objects.values().get()
    assert "secret" not in str({name: value for name, value in kept.items() if name != "sealed_words"})
    assert "abc/#secret" not in kept["sealed_words"]
    assert "abc/#secret" in json.loads(sealing.opened(kept["sealed_words"]))["text"]
    assert sending.send_due() == 1
    row.refresh_from_db()
    assert (row.sealed_words, row.due_at, row.state, row.why) == ("", None, OutgoingMessage.State.SENT, "")
    assert sending.send_due() == 0
    assert len(sink.mails) == 1


def test_it_speaks_the_recipients_language_whoever_sends_it(sink: MailSink, radiology: Department) -> None:
    MessageTemplate.objects.create(
        kind=LINK.name, language="fr", subject="Images", body="Voici : {link} – {department}"
    )
    owe(language="fr", department=radiology)
    sending.send_due()
    (mail,) = sink.mails
    assert "Imagerie médicale" in mail["From"]
    assert mail["Content-Language"] == "fr"
    assert "– Imagerie médicale" in mail.get_body(("plain",)).get_content()
    assert '<html lang="fr">' in mail.get_body(("html",)).get_content()


def test_the_departments_text_comes_before_the_sites_and_that_before_ours(radiology: Department) -> None:
    def subject(department: Department | None, language: str = "en") -> str:
        return selectors.words(LINK, language=language, department=department, values=VALUES).subject

    assert subject(radiology) == "Images from Dr Martin"
    MessageTemplate.objects.create(kind=LINK.name, language="en", subject="All", body="{link}")
    assert (subject(radiology), subject(None)) == ("All", "All")
    MessageTemplate.objects.create(kind=LINK.name, language="en", department=radiology, subject="Ours", body="{link}")
    assert (subject(radiology), subject(None), subject(DepartmentFactory.create())) == ("Ours", "All", "All")
    assert subject(radiology, "fr") == "Images from Dr Martin"


def test_what_leaves_is_what_was_shown_when_it_was_owed(sink: MailSink) -> None:
    owe()
    MessageTemplate.objects.create(kind=LINK.name, language="en", subject="Later", body="{link}")
    sending.send_due()
    assert sink.mails[0]["Subject"] == "Images from Dr Martin"


def test_a_hostile_name_adds_no_header_and_no_recipient(sink: MailSink) -> None:
    DepartmentFactory.create(name='X" <all@example.org>\r\nBcc: all@example.org', code="hostile")
    hostile = Department.objects.get(code="hostile")
    owe(values={**VALUES, "who": "M\r\nBcc: all@example.org\r\n\r\nHello"}, department=hostile)
    sending.send_due()
    (mail,), (envelope,) = sink.mails, sink.envelopes
    assert envelope[1] == [TO]
    assert mail["Bcc"] is None
    assert [address.addr_spec for address in mail["From"].addresses] == ["imaging@hospital.example"]


def test_what_is_no_address_is_refused_before_anything_is_owed() -> None:
    with pytest.raises(ValidationError, match="not an e-mail address"):
        owe(to=f"{TO}\nBcc: all@example.org")
    assert not OutgoingMessage.objects.exists()


def test_nothing_is_sent_of_what_was_rolled_back(sink: MailSink) -> None:
    def fail() -> None:
        with transaction.atomic():
            owe()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert sending.send_due() == 0


def test_a_mail_server_that_is_away_is_waited_for(sink: MailSink, settings: Any) -> None:
    row, port = owe(), settings.EMAIL_PORT
    settings.EMAIL_PORT = 1
    for _turn in range(20):
        assert sending.send_due() == 0
        row = again(row)
    assert row.attempts == 0
    assert row.why == "The mail server does not answer. The message waits until it does."
    settings.EMAIL_PORT = port
    assert sending.send_due() == 1


def test_a_mail_server_that_lets_nobody_in_is_told_apart_from_one_that_is_away(sink: MailSink) -> None:
    row = owe()
    sink.greeting = "554 no service here"
    assert sending.send_due() == 0
    row.refresh_from_db()
    assert (row.attempts, row.why.partition(".")[0]) == (0, "The mail server does not let the portal in")


@pytest.mark.django_db(transaction=True)
def test_two_processes_send_each_mail_once(sink: MailSink) -> None:
    for number in range(20):
        owe(to=f"person-{number}@clinic.example")

    def work() -> int:
        try:
            return sending.send_due()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        sent = [future.result() for future in [pool.submit(work), pool.submit(work)]]
    assert sum(sent) == 20
    assert sorted(to for _sender, [to] in sink.envelopes) == sorted(f"person-{n}@clinic.example" for n in range(20))


def test_an_address_that_the_server_knows_not_to_be_one_is_given_up_at_once_and_the_next_goes_out(
    sink: MailSink,
) -> None:
    sink.refuses[TO] = "550 no such user"
    row, other = owe(), owe(to="other@clinic.example")
    assert sending.send_due() == 1
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.state, row.sealed_words) == (OutgoingMessage.State.FAILED, "")
    assert "cannot deliver to this address" in row.why
    assert other.state == OutgoingMessage.State.SENT


def test_a_server_that_puts_us_off_is_asked_a_few_times(sink: MailSink) -> None:
    sink.refuses[TO] = "451 come back later"
    row = owe()
    tried = 0
    while row.state == OutgoingMessage.State.OWED:
        assert sending.send_due() == 0
        tried += 1
        row.refresh_from_db()
        assert row.why == "The mail server refused the message."
        row = again(row)
    assert tried == sending.MOST_ATTEMPTS
    assert row.sealed_words == ""


def test_after_an_answer_of_later_it_goes_out_under_the_same_message_id(sink: MailSink) -> None:
    sink.refuses[TO] = "451 come back later"
    row = owe()
    sending.send_due()
    row.refresh_from_db()
    assert row.due_at is not None
    assert row.due_at > timezone.now()
    sink.refuses.clear()
    again(row)
    assert sending.send_due() == 1
    assert sink.mails[0]["Message-ID"] == row.message_id


def test_a_code_that_is_too_old_is_not_sent(sink: MailSink) -> None:
    past = timezone.now() - timedelta(seconds=1)
    row = services.owe(
        notices.CODE_BY_MAIL, to=TO, language="en", values={"code": "123456", "minutes": "10"}, good_until=past
    )
    assert sending.send_due() == 0
    row.refresh_from_db()
    assert (row.state, row.sealed_words) == (OutgoingMessage.State.FAILED, "")
    assert "while it was still of use" in row.why
    assert not sink.mails


def test_a_process_that_dies_while_it_sends_leaves_the_mail_for_later(
    sink: MailSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = owe()
    with monkeypatch.context() as patch:
        patch.setattr(sending, "_mail", lambda *_given: exec("raise KeyboardInterrupt"))
        with pytest.raises(KeyboardInterrupt):
            sending.send_due()
    assert sending.send_due() == 0, "another process may be sending it"
    again(row)
    assert sending.send_due() == 1


def test_a_mail_of_which_every_process_dies_is_given_up(sink: MailSink, monkeypatch: pytest.MonkeyPatch) -> None:
    row, died = owe(), 0
    monkeypatch.setattr(sending, "_mail", lambda *_given: exec("raise KeyboardInterrupt"))
    while row.state == OutgoingMessage.State.OWED:
        try:
            sending.send_due()
        except KeyboardInterrupt:
            died += 1
        row.refresh_from_db()
        row = again(row)
    assert died == sending.MOST_ATTEMPTS
    assert row.sealed_words == ""


def test_a_mail_sealed_under_a_key_that_is_gone_is_given_up_in_words(sink: MailSink, settings: Any) -> None:
    row = owe()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 10, []
    assert sending.send_due() == 0
    row.refresh_from_db()
    assert (row.state, row.sealed_words) == (OutgoingMessage.State.FAILED, "")
    assert "key was changed" in row.why


def test_what_is_withdrawn_does_not_leave(sink: MailSink) -> None:
    owe()
    other = owe(about=("share", "other"))
    assert services.withdraw("share", "abc") == 1
    assert sending.send_due() == 1
    assert [row.state for row in selectors.about("share", "abc")] == [OutgoingMessage.State.FAILED]
    assert selectors.about("share", "other")[0].pk == other.pk


def test_what_was_sent_long_ago_is_forgotten_and_what_is_owed_is_not(sink: MailSink) -> None:
    owe()
    OutgoingMessage.objects.update(created_at="2020-01-01T00:00:00Z")
    assert services.prune() == 0
    sending.send_due()
    assert services.prune() == 1
