"""What a download is called in a browser, read back as browsers read it (RFC 6266)."""

from email.message import Message
from urllib.parse import unquote

import pytest

from imaging.viewer import export_names


def called(header: str) -> str:
    """The name that a browser takes: the extended form before the plain one."""
    assert header.isascii()
    assert "\r" not in header
    assert "\n" not in header
    message = Message()
    message["Content-Disposition"] = header
    assert message.get_content_disposition() == "attachment"
    extended = header.partition("filename*=UTF-8''")[2]
    return unquote(extended) if extended else str(message.get_param("filename", header="Content-Disposition"))


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Réunion d’onco-urologie", "Réunion d’onco-urologie.zip"),
        ("Tumorkonferenz Köln", "Tumorkonferenz Köln.zip"),
        ("症例検討会", "症例検討会.zip"),
        ("e\u0301te\u0301", "été.zip"),
        ("CT-20260304", "CT-20260304.zip"),
        ("", "CT-1.zip"),
        ("../../etc/passwd", "etc passwd.zip"),
        ('a"; filename="b.exe', "a ; filename= b.exe.zip"),
        ("a\r\nSet-Cookie: b", "a Set-Cookie b.zip"),
        ("gpj.\u202eexe", "gpj. exe.zip"),
        ("100 % sûr; ok", "100 % sûr; ok.zip"),
        (" . ", "CT-1.zip"),
    ],
)
def test_a_name_survives_and_does_no_harm(name: str, kept: str) -> None:
    assert called(export_names.attachment(name, "zip", otherwise="CT-1")) == kept


def test_who_does_not_know_the_extended_form_gets_the_letters() -> None:
    header = export_names.attachment("Réunion “août”", "zip", otherwise="CT-1")
    assert 'filename="Reunion aout.zip"' in header
    assert 'filename="CT-1.zip"' in export_names.attachment("症例", "zip", otherwise="CT-1")


def test_a_long_name_is_cut() -> None:
    assert len(called(export_names.attachment("é" * 5000, "zip", otherwise="CT-1"))) == 124
