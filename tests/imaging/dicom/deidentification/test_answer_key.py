"""A made-up patient written everywhere is found nowhere."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import datadict
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from imaging.dicom.deidentification.identifiers import Identifiers, Kind, remaining
from imaging.dicom.deidentification.profile import Option, Profile
from tests.imaging.dicom.deidentification import answer_key, making

SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
MR, CR, PT = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.128"
WORDS = (
    "quezac",
    "quézac",
    "amandine",
    "brizambourg",
    "tilleuls",
    "90817263",
    "77120934",
    "grillon",
    "019987",
    "nee le",
)
PROFILES = [
    {},
    {"clean_descriptors": True, "clean_graphics": True, "clean_structured_content": True},
    {"retain_safe_private": True, "retain_device_identity": True, "retain_patient_characteristics": True},
    {"retain_modified_dates": True, "clean_descriptors": True},
]


@pytest.mark.parametrize("options", PROFILES, ids=lambda options: "+".join(options) or "basic")
@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda uid: uid.name)
def test_a_patient_written_everywhere_is_found_nowhere_in_the_copy(syntax, options):
    key = answer_key.written_everywhere(MR, little_endian_syntax=syntax)
    written = making.as_file(key.source)
    assert len(remaining(making.parsed(written), key.identifiers)) > 100

    copy = making.file_copy_of(written, **options)

    assert remaining(making.parsed(copy), key.identifiers) == []
    if syntax != DeflatedExplicitVRLittleEndian:
        assert [word for word in WORDS if word.encode() in copy.lower()] == []
        assert making.STUDY.encode() not in copy
        assert b"1931" not in copy.replace(b"19310428", b"1931")
        assert b"OUELLET" not in copy


@pytest.mark.parametrize("keyword", ["PatientName", "InstitutionName"])
def test_the_copy_of_a_data_set_in_memory_is_as_clean_as_that_of_a_file(keyword):
    key = answer_key.written_everywhere(CR, little_endian_syntax=ExplicitVRLittleEndian)
    before = key.source.to_json(suppress_invalid_tags=True)

    copy = making.copy_of(key.source)

    assert remaining(copy, key.identifiers) == []
    assert key.source.to_json(suppress_invalid_tags=True) == before
    assert str(key.source[keyword].value) not in str(copy)


@pytest.mark.parametrize("vr", ["LT", "ST", "UT", "PN", "UR", "AE"])
def test_every_attribute_of_the_dictionary_that_holds_free_words_is_cleaned(vr):
    made = making.object_of(PT)
    for keyword in answer_key.free_texts_of_the_dictionary():
        if datadict.dictionary_VR(keyword) == vr and keyword != "PatientName":
            setattr(made, keyword, "Ysengrin" if vr != "AE" else "YSENGRIN")

    assert b"ysengrin" not in making.file_copy_of(making.as_file(made)).lower()


def test_every_option_alone_leaves_nothing_that_it_does_not_keep():
    key = answer_key.written_everywhere(MR, little_endian_syntax=ExplicitVRLittleEndian)
    source = making.parsed(making.as_file(key.source))
    for option in Option:
        copy = making.copy_of(key.source, **{option.value: True})
        kept = Profile(**{option.value: True})
        places = [place for place in remaining(copy, Identifiers.of(source, kept)) if place.kind is not Kind.DATE]
        assert places == [], option


names = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyzéèüçñ"), min_size=4, max_size=12).map(str.capitalize)
numbers = st.text(st.sampled_from("0123456789ABCDEF"), min_size=7, max_size=12).filter(lambda text: not text.isdigit())
#: Where a stranger may write, whatever the attribute is for.
PLACES = ["SequenceName", "ConvolutionKernel", "SoftwareVersions", "ProtocolName", "StudyDescription", "ManufacturerModelName",
          "StationName", "SegmentDescription", "PatientComments", "BodyPartExamined", "AccessionNumber", "CodeMeaning"]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(names, names, numbers, st.sets(st.sampled_from(PLACES), min_size=1), st.integers(0, 4), st.booleans())
def test_whoever_the_patient_is_and_wherever_they_are_written(family, given_name, number, places, depth, cleans):
    made = making.object_of(PatientName=f"{family}^{given_name}", PatientID=number)
    inner = made
    for _ in range(depth):
        deeper = making.item()
        inner.ReferencedImageSequence = [deeper]
        inner = deeper
    for place in places:
        text = f"{family} {number}" if len(place) % 2 else f"x {given_name}"
        with making.as_strangers_write():
            setattr(inner, place, text.upper() if place == "BodyPartExamined" else text)

    copy = making.copy_of(made, clean_descriptors=cleans)

    assert remaining(copy, Identifiers.named(names=(family, given_name), ids=(number,))) == []
