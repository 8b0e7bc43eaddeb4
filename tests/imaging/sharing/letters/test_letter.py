"""The letter of a share: what it says, in whose language, and that only what opens the share now is printed."""

import io
from collections.abc import Callable
from typing import Any

import pypdfium2
import pytest
import qrcode
from django.db import connection
from django.test import Client

from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.roles import Role
from imaging.sharing.entrance import sending
from imaging.sharing.letters import content, typeset
from imaging.sharing.making import services
from imaging.sharing.making.services import Made
from imaging.sharing.models.choices import Factor, Recipient
from imaging.studies.models import Study
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.shared_links import Sharing, open_link, person

pytestmark = pytest.mark.django_db(transaction=True)


def pages(pdf: bytes) -> list[str]:
    """The text of every page, with its line ends as spaces."""
    document = pypdfium2.PdfDocument(pdf)
    return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


def letter_of(made: Made) -> list[str]:
    return pages(typeset.pdf(content.letter(made.share, made.handed)))


def ask(client: Client, made: Made, **changes: str) -> Any:
    handed = {"secret": made.handed.secret, "code": made.handed.code, "proof": made.handed.proof}
    return client.post(f"/shared/{made.share.key}/letter", {**handed, **changes})


@pytest.fixture
def browser(alice: User) -> Client:
    """Alice's browser."""
    client = Client()
    client.force_login(alice)
    return client


def test_the_letter_says_who_shares_where_to_open_it_until_when_and_the_code(sharing: Sharing, chest: Study) -> None:
    made = sharing(chest)
    [page] = letter_of(made)
    for words in ("Alice Martin", "Dr Paul Mercier", f"/s/{made.share.key}/", made.handed.code, "can be opened until"):
        assert words in page, words
    assert made.handed.secret not in page, "the secret is in the square alone"


def test_the_second_code_stands_on_a_page_of_its_own(sharing: Sharing, chest: Study) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    first, second = letter_of(made)
    assert made.handed.proof in second
    assert made.handed.proof not in first
    assert made.handed.code not in second


def test_the_square_is_the_link(sharing: Sharing, chest: Study) -> None:
    made = sharing(chest)
    link = sending.link_of(made.share, made.handed.secret)
    assert content.letter(made.share, made.handed).link == link
    expected = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4)
    expected.add_data(link)
    expected.make()
    page = pypdfium2.PdfDocument(typeset.pdf(content.letter(made.share, made.handed)))[0]
    assert _drawn(page, len(expected.modules)) == expected.modules


def _drawn(page: Any, modules: int) -> list[list[bool]]:
    """The square of a page as it is seen, dark or not: all that is black on it; its words are in a dark blue."""
    seen = page.render(scale=8).to_numpy()[:, :, :3].max(axis=2) < 8
    rows, columns = seen.any(axis=1).nonzero()[0], seen.any(axis=0).nonzero()[0]
    square = seen[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = square.shape
    at = [(number + 0.5) / modules for number in range(modules)]
    return [[bool(square[int(y * height), int(x * width)]) for x in at] for y in at]


def test_a_patients_letter_has_their_name_and_another_ones_initials(sharing: Sharing, chest: Study) -> None:
    assert "DURAND" in letter_of(sharing(chest, recipient=Recipient.PATIENT))[0].upper()
    assert "DURAND" not in letter_of(sharing(chest))[0].upper()


def test_the_letter_speaks_the_recipients_language(sharing: Sharing, chest: Study) -> None:
    made = sharing(chest, language="fr")
    assert content.letter(made.share, made.handed).language == "fr"


@pytest.mark.parametrize("name", ["#eval(1) $x$ *b* @label", "\\u{0}\\", "王小明 😀", "a" * 150, "<!-- ]] -->"])
def test_a_name_is_never_markup(sharing: Sharing, chest: Study, name: str) -> None:
    made = sharing(chest, name=name)
    page = letter_of(made)[0]
    if name.isascii() and len(name) < 60:
        assert name in page


def test_who_made_the_link_prints_it_and_that_is_on_record(sharing: Sharing, chest: Study, browser: Client) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    answer = ask(browser, made)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/pdf"
    assert "no-store" in answer["Cache-Control"]
    assert made.handed.code in pages(answer.content)[0]
    assert AuditEvent.objects.filter(action="share.sent", subject_uid=made.share.key, detail__to="letter").exists()


@pytest.mark.parametrize("field", ["secret", "code", "proof"])
def test_only_what_opens_the_share_is_printed(sharing: Sharing, chest: Study, browser: Client, field: str) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    for wrong in ("", "x" * 10_000, "2222-2222-2222", "https://elsewhere.example/\r\nX: y"):
        answer = ask(browser, made, **{field: wrong})
        assert answer.status_code == 302, wrong
        assert answer["Location"] == f"/shared/{made.share.key}/"


def test_a_link_that_was_renewed_or_ended_is_not_printed_any_more(
    sharing: Sharing, chest: Study, browser: Client, alice: User, emergency: Department
) -> None:
    by = {"user": alice, "actor": person(alice, emergency).actor}
    made = sharing(chest)
    new = services.renew_link(made.share, sends=False, **by)  # type: ignore[arg-type]
    assert ask(browser, made).status_code == 302
    assert ask(browser, new).status_code == 200
    services.revoke(made.share, words="", **by)  # type: ignore[arg-type]
    assert ask(browser, new).status_code in {302, 404}


def test_nobody_else_prints_it_whatever_they_hand_in(sharing: Sharing, chest: Study, emergency: Department) -> None:
    made = sharing(chest)
    other = UserFactory.create()
    MembershipFactory.create(user=other, department=emergency, role=Role.CLINICIAN)
    client = Client()
    assert ask(client, made).status_code == 302, "to the sign-in"
    client.force_login(other)
    assert ask(client, made).status_code == 404
    assert client.get(f"/shared/{made.share.key}/letter").status_code == 405


def test_who_opened_the_share_as_a_recipient_prints_nothing(sharing: Sharing, chest: Study, outside: Client) -> None:
    made = sharing(chest)
    open_link(outside, made)
    assert ask(outside, made).status_code == 302


def test_what_opens_a_share_is_in_no_row_and_no_log(
    sharing: Sharing, chest: Study, browser: Client, caplog: pytest.LogCaptureFixture, every_text: Callable[[], str]
) -> None:
    made = sharing(chest, factor=Factor.PRINTED, sends=False)
    with caplog.at_level("DEBUG"):
        assert ask(browser, made).status_code == 200
    for known in (made.handed.secret, made.handed.code, made.handed.proof):
        assert known not in caplog.text
        assert known not in every_text()


@pytest.fixture
def every_text() -> Callable[[], str]:
    """All that the tables hold of shares, audit, sessions and messages, as text."""

    def read() -> str:
        written = io.StringIO()
        with connection.cursor() as cursor:
            for table in connection.introspection.table_names(cursor):
                if any(part in table for part in ("share", "audit", "session", "message", "outbox")):
                    cursor.execute(f'SELECT t::text FROM "{table}" t')
                    written.writelines(row[0] for row in cursor.fetchall())
        return written.getvalue()

    return read
