"""Text comes out right for every character set, and somehow for every wrong one."""

import pytest
from pydicom.charset import encode_string

from imaging.dicom import charset


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ISO-IR 100", "ISO_IR 100"),
        ("iso_ir 100", "ISO_IR 100"),
        ("ISO IR 100", "ISO_IR 100"),
        ("ISO_IR_192", "ISO_IR 192"),
        ("ISO 2022_IR 87", "ISO 2022 IR 87"),
        ("UTF-8", "ISO_IR 192"),
        ("GB18030", "GB18030"),
        ("KLINGON", "KLINGON"),
    ],
)
def test_misspelt_terms_are_understood(written, meant):
    assert charset.defined_term(written) == meant


@pytest.mark.parametrize(
    ("term", "codec", "text"),
    [
        (b"ISO_IR 100", "latin-1", "Jérôme"),
        (b"ISO-IR 100", "latin-1", "Jérôme"),
        (b"ISO_IR 192 ", "utf-8", "Ångström 山田"),
        (b"ISO_IR 144", "iso8859_5", "Люкceмбypг"),
        (b"ISO_IR 126", "iso8859_7", "Διονυσιος"),
        (b"GB18030", "gb18030", "王^小东"),
        (b"ISO_IR 166", "iso8859_11", "ไทย"),
        (b"ISO_IR 13", "shift_jis", "ﾔﾏﾀﾞ"),
    ],
)
def test_single_sets_decode(term, codec, text):
    assert charset.decode(text.encode(codec), charset.encodings_of(term)) == text


def test_code_extensions_switch_within_a_value():
    codecs = charset.encodings_of(b"\\ISO 2022 IR 87")
    value = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"
    assert charset.decode(value, codecs) == "Yamada^Tarou=山田^太郎"


def test_korean_extension_decodes():
    value = b"Hong^Gildong=\x1b$)C" + "洪".encode("euc_kr") + b"^\x1b$)C" + encode_string("吉洞", ["euc_kr"])[-4:]
    assert charset.decode(value, charset.encodings_of(b"\\ISO 2022 IR 149")) == "Hong^Gildong=洪^吉洞"


def test_undeclared_bytes_are_utf_8_when_they_can_be_and_latin_1_otherwise():
    assert charset.decode("Müller".encode()) == "Müller"
    assert charset.decode("Müller".encode("latin-1")) == "Müller"


def test_bytes_that_contradict_the_declared_set_are_replaced_not_refused():
    assert charset.decode(b"M\xfcller", charset.encodings_of(b"ISO_IR 192")) == "M�ller"


@pytest.mark.parametrize("value", [b"\x1b", b"\x1b\x1b\x1b", b"a\x1b$", b"\x1b$B\xff\xff", b"\x1b%G\xff"])
def test_broken_escapes_never_fail(value):
    assert isinstance(charset.decode(value, charset.encodings_of(b"ISO 2022 IR 6\\ISO 2022 IR 87")), str)


def test_unknown_terms_count_as_undeclared():
    assert charset.encodings_of(b"NO_SUCH SET") == charset.UNDECLARED


@pytest.mark.parametrize(
    ("terms", "text", "expected"),
    [
        ([""], "Durand", b"Durand"),
        ([""], "Müller", None),
        (["ISO_IR 100"], "Müller^Jörg", "Müller^Jörg".encode("latin-1")),
        (["ISO_IR 100"], "Νίκος", None),
        (["ISO_IR 13"], "山田", None),
        (["ISO_IR 192"], "山田", "山田".encode()),
        (["", "ISO 2022 IR 149"], "Hong=洪", b"Hong=\x1b$)C" + "洪".encode("euc_kr")),
    ],
)
def test_text_is_written_only_where_the_character_sets_hold_it(
    terms: list[str], text: str, expected: bytes | None
) -> None:
    codecs = charset.encodings(terms)
    assert charset.encode(text, codecs) == expected
    assert expected is None or charset.decode(expected, codecs) == text
