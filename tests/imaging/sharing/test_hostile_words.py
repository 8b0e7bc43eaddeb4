"""What people write into a share is words and nothing else: in mails, on the recipient's page, in the zip and on paper."""

import io
import zipfile

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from imaging.sharing.making.services import Made
from imaging.studies.models import Study
from tests.shared_links import Letters, Sharing, code_in, letters, open_link

__all__ = ["letters"]

pytestmark = pytest.mark.django_db(transaction=True)

NAME = 'Dr <img src=x onerror=alert(1)> "Q" {link} {0.__class__}'
NOTE = '<script>alert(1)</script> {secret} %(code)s {{ 7|add:7 }} #eval("1") $x^2$ \\u{41} \u202egpj.exe'


@pytest.fixture
def hostile(sharing: Sharing, chest: Study) -> Made:
    return sharing(chest, name=NAME, note=NOTE, may_download=True)


def come_in(browser: Client, made: Made, sent: Letters) -> str:
    open_link(browser, made)
    browser.post(f"/s/{made.share.key}/proof", {"answer": code_in(sent()[-1])})
    return f"/s/{made.share.key}/"


def test_a_mail_has_one_recipient_and_says_the_words_as_they_were_written(hostile: Made, letters: Letters) -> None:
    [mail] = letters()
    assert mail.to == [hostile.share.recipient_email]
    assert mail.recipients() == mail.to
    assert "\n" not in str(mail.subject)
    assert "{secret}" in str(mail.body)
    assert "%(code)s" in str(mail.body)
    for form in getattr(mail, "alternatives", []):
        assert "<script" not in str(form[0])


@pytest.mark.parametrize("address", ["a@b.example\nBcc: all@hospital.example", "a@b.example, c@d.example"])
def test_an_address_that_is_more_than_one_gets_nothing(
    sharing: Sharing, chest: Study, letters: Letters, address: str
) -> None:
    with pytest.raises((ValidationError, ValueError)):
        sharing(chest, email=address)
    assert letters() == []


def test_the_page_and_the_zip_show_markup_as_text(
    hostile: Made, chest: Study, outside: Client, letters: Letters
) -> None:
    root = come_in(outside, hostile, letters)
    page = outside.get(root).content.decode()
    assert "alert(1)</script>" not in page
    assert "<img src=x" not in page

    answer = outside.get(f"{root}download")
    assert answer.status_code == 200
    assert "\n" not in answer["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as given:
        for name in given.namelist():
            assert not name.startswith(("/", "\\"))
            assert ".." not in name
            assert "<" not in name
            if name.lower().endswith((".htm", ".html")):
                told = given.read(name)
                assert b"<script>alert" not in told
                assert b"<img src=x" not in told
