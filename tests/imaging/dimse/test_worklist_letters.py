"""Items of the worklist as bytes: in every character set that a station may ask for, and for whatever it asks with."""

import contextlib
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.filereader import read_dataset

from imaging.dicom import charset
from imaging.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from imaging.dimse import identifier, worklist
from imaging.dimse.identifier import NotUnderstood

_SETS = [
    (),
    ("ISO_IR 100",),
    ("ISO_IR 101",),
    ("ISO_IR 144",),
    ("ISO_IR 192",),
    ("GB18030",),
    ("", "ISO 2022 IR 87"),
    ("NONE",),
]
_FORM = {"00100010": {"vr": "PN"}, "00321060": {"vr": "LO"}, "00402400": {"vr": "LT"}}


def item(name: str, text: str) -> dict[str, Any]:
    return {
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": name}]} if name else {"vr": "PN"},
        "00321060": {"vr": "LO", "Value": [text]},
    }


def told(encoded: bytes) -> Any:
    return read_dataset(io.BytesIO(encoded), is_implicit_VR=False, is_little_endian=True)


@given(
    name=st.text(
        st.characters(codec="utf-8", exclude_characters="\\^=\r\n\f\t\x1b", exclude_categories=["Cc", "Cs"]),
        max_size=12,
    ),
    terms=st.sampled_from(_SETS),
)
@settings(max_examples=400, deadline=None)
def test_any_name_is_told_in_any_set_and_never_as_another(name: str, terms: tuple[str, ...]) -> None:
    asked = worklist._terms(terms)
    encoded = worklist.written(item(name, name), _FORM, asked, transfer_syntax_uid=EXPLICIT_VR_LITTLE_ENDIAN)
    found = told(encoded)
    assert "ImagingServiceRequestComments" in found
    codecs = charset.encodings(asked or worklist._LATIN)
    assert charset.encode(charset.reduced(name, codecs), codecs) is not None


@pytest.mark.parametrize(
    ("terms", "text", "reduced"),
    [
        ((), "Zoë Łukasz", "Zoe Lukasz"),
        (("ISO_IR 100",), "Nguyễn Œuvre", "Nguyen OEuvre"),
        (("ISO_IR 144",), "Пётр Hélène", "Пётр Helene"),
        (("ISO_IR 100",), "e\u0301", "é"),
        (("ISO_IR 192",), "山田 Łukasz", "山田 Łukasz"),
        (("ISO_IR 100",), "山田", "??"),
    ],
)
def test_letters_lose_their_accent_before_they_are_lost(terms: tuple[str, ...], text: str, reduced: str) -> None:
    assert charset.reduced(text, charset.encodings(terms)) == reduced


@given(encoded=st.binary(max_size=300), syntax=st.sampled_from([IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN]))
@settings(max_examples=400, deadline=None)
def test_whatever_bytes_are_asked_with_they_are_understood_or_refused(encoded: bytes, syntax: str) -> None:
    with contextlib.suppress(NotUnderstood):
        asked = identifier.read(encoded, syntax)
        assert (
            worklist.written(item("Durand", "x"), asked.form, asked.character_set, transfer_syntax_uid=syntax)
            is not None
        )
