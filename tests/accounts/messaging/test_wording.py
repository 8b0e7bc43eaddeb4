"""A text is checked when it is kept; a value is never more than a value."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from accounts.messaging import kinds, recipients, wording
from accounts.messaging.kinds import Form
from accounts.messaging.notices import CODE_BY_SMS
from tests.accounts.messaging.conftest import LINK, VALUES

SENDER = {"department": "Radiology", "site": "Hospital"}


def said(*, subject: str = "Images", body: str = "{link}", **values: str) -> wording.Words:
    return wording.fill(LINK, subject=subject, body=body, values={**VALUES, **SENDER, **values})


@pytest.mark.parametrize(
    ("subject", "body", "field", "words"),
    [
        ("Images", "{link} {patient}", "body", "{patient} is not known here. What can stand in braces: {who}, {link}"),
        ("Images of {patient}", "{link}", "subject", "{patient} is not known here"),
        ("Your {code}", "{link}", "subject", "{code} is not known here. What can stand in braces: {who}, {department}"),
        ("Images", "Hello", "body", "lacks {link}"),
        ("Images", "{link} {who", "body", "not closed"),
        ("Images", "{link} {{who}}", "body", "not closed"),
        ("Images", "{link} {link.__class__}", "body", "{link.__class__} is not known"),
        ("", "{link}", "subject", "needs a subject"),
        ("Two\nlines", "{link}", "subject", "one line"),
    ],
)
def test_a_text_that_would_not_work_is_refused_in_words(subject: str, body: str, field: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        wording.check(LINK, subject=subject, body=body)
    assert words in caught.value.message_dict[field][0]


def test_a_text_message_has_no_subject() -> None:
    wording.check(CODE_BY_SMS, subject="", body="{code}")
    with pytest.raises(ValidationError, match="no subject"):
        wording.check(CODE_BY_SMS, subject="Code", body="{code}")


def test_a_text_message_has_room_for_its_link_whatever_the_names() -> None:
    with pytest.raises(ValidationError, match="room for 200 characters"):
        wording.check(CODE_BY_SMS, subject="", body="{code}" + "x" * 201)
    long_names = {"site": "Hospital " * 40, "department": "R" * 300}
    values = {"code": "123456", "minutes": "10", **long_names}
    words = wording.fill(CODE_BY_SMS, subject="", body="{site} {department}: {code}", values=values)
    assert words.body.endswith(": 123456")
    assert len(words.body) < 120


def test_the_portals_own_texts_pass_their_own_check() -> None:
    for kind in kinds.every():
        wording.check(kind, subject=str(kind.subject), body=str(kind.body))


def test_a_value_is_not_read_as_a_template() -> None:
    words = said(body="{who}: {link}", who="{code} {link.__init__} %s")
    assert words.body == "{code} {link.__init__} %s: https://images.example/s/abc/#secret"


@pytest.mark.parametrize("ending", ["\r\nBcc: all@example.org", "\nX: y", "\u2028Z: y", "\x00\x1b", "\x85A: b"])
def test_a_value_brings_no_line_and_no_control_into_a_subject(ending: str) -> None:
    words = said(subject="From {who}", who=f"Martin{ending}")
    assert words.subject.startswith("From Martin")
    assert words.subject.isprintable()


def test_a_value_does_not_turn_a_line_around() -> None:
    assert said(body="{who} {link}", who="Mar\u202etin").body.startswith("Martin ")


def test_a_paragraph_of_nothing_is_left_out_and_a_message_keeps_its_lines() -> None:
    body = "Hello\n\n{note}\n\n{link}"
    assert said(body=body, note="").body == f"Hello\n\n{VALUES['link']}"
    assert said(body=body, note="Two\r\nlines").body == f"Hello\n\nTwo\nlines\n\n{VALUES['link']}"


def test_parts_say_what_is_a_link_and_what_a_code() -> None:
    (parts,) = said(body="Press {link} or type {code}.").paragraphs
    assert [part.form for part in parts] == [None, Form.LINK, None, Form.CODE, None]


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "/s/abc", "https://x y", 'https://x"onmouseover=', "", "https:///s"]
)
def test_a_link_is_one(link: str) -> None:
    with pytest.raises(ValueError, match="not a link"):
        said(link=link)


def test_values_are_those_of_the_kind() -> None:
    for values in ({}, {**VALUES, **SENDER, "patient": "Susan"}):
        with pytest.raises(ValueError, match="takes"):
            wording.fill(LINK, subject="x", body="{link}", values=values)


@pytest.mark.parametrize(
    ("typed", "country", "kept"),
    [
        ("06 12 34 56 78", "FR", "+33612345678"),
        (" +33 (0)6.12.34.56.78 ", "FR", "+33612345678"),
        ("0033612345678", "FR", "+33612345678"),
        ("07400 123456", "GB", "+447400123456"),
        ("+41 78 123 45 67", "FR", "+41781234567"),
    ],
)
def test_a_number_is_read_as_it_is_written_in_its_country(typed: str, country: str, kept: str) -> None:
    assert recipients.mobile_number(typed, country=country) == kept


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Write it with its country: +33 6 12 34 56 78"),
        ("12", "not a telephone number"),
        ("06 12 34 56", "not a telephone number"),
        ("0612345678 ext. 5", "not a telephone number"),
        ("9" * 5000, "not a telephone number"),
        ("+33 1 42 34 56 78", "takes no text messages"),
        ("+33 899 70 00 00", "takes no text messages"),
    ],
)
def test_what_takes_no_text_message_is_refused_in_words(typed: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        recipients.mobile_number(typed, country="FR")
    assert words in caught.value.messages[0]


@pytest.mark.parametrize(
    "typed",
    [
        *("", "martin", "martin@", "@clinic.example", "a b@clinic.example", "martin@clinic.example, b@x.example"),
        *("martin@clinic.example\nBcc: all@x.example", "Martin <martin@clinic.example>", "märtin@clinic.example"),
        *("a" * 65 + "@clinic.example", "martin@" + "a." * 130 + "example", "m\x00artin@clinic.example"),
        *('"martin dupont"@clinic.example', "martin@[127.0.0.1]"),
    ],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        recipients.email_address(typed)
    assert recipients.email_address(" o'martin+x@clinic.example\n") == "o'martin+x@clinic.example"


def test_two_kinds_cannot_have_one_name() -> None:
    other: Any = kinds.MessageKind(name="test.link", channel=kinds.Channel.MAIL, label="", body="")
    with pytest.raises(ValueError, match="not a name"):
        kinds.register(other)
