"""Corrections on paper: what may be corrected, and what the corrected header and the corrected file look like."""

import io
import subprocess
import tracemalloc
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
)

from imaging.dicom import corrected_file, corrections, json_model, part10
from imaging.dicom.corrections import Change, CorrectionInvalid, Level
from tests.imaging.dicom import samples
from tests.peers import Peer

WHEN = datetime(2026, 3, 4, 12, 30, 1, 250, tzinfo=UTC)
SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]


def change(reason: str = "CORRECT", source: str = "CT1", **values: str) -> Change:
    """A correction by keyword."""
    attributes = {
        f"{pydicom.datadict.tag_for_keyword(name):08X}": {
            "vr": pydicom.datadict.dictionary_VR(name),
            "Value": [value] if value else [],
        }
        for name, value in values.items()
    }
    return Change(corrections.normalised(attributes), WHEN, reason, source)


def corrected(content: bytes, *changes: Change) -> bytes:
    """The file as it goes out, read whole; its length is what was announced."""
    file = io.BytesIO(content)
    plan = corrected_file.plan(file, changes)
    made = b"".join(plan.read(io.BytesIO(content)))
    assert len(made) == plan.length
    return made


def as_json(content: bytes) -> dict[str, Any]:
    parsed = part10.read_part10(io.BytesIO(content))
    return orjson.loads(json_model.to_json(parsed, bulk_uri=lambda path: path))


def pixels(content: bytes) -> bytes:
    """Everything from the pixels on; of a deflated file, inflated."""
    parsed = part10.read_part10(io.BytesIO(content))
    if not parsed.deflated:
        return content[parsed.header_end :]
    import zlib

    return zlib.decompressobj(-15).decompress(content[parsed.dataset_offset :])[parsed.header_end :]


def agrees(content: bytes, *changes: Change) -> bytes:
    """Assert that header and file say the same after the changes, that pixels are untouched; return the file."""
    made = corrected(content, *changes)
    assert as_json(made) == corrections.overlay(as_json(content), changes)
    assert pixels(made) == pixels(content)
    return made


LOCAL = {"PatientID": "L-100", "IssuerOfPatientID": "HOSPITAL", "PatientName": "Durand^Anne"}


class TestValidation:
    def test_values_are_kept_in_one_form(self) -> None:
        kept = corrections.normalised(
            {"00200011": {"vr": "IS", "Value": ["007"]}, "00100010": {"vr": "PN", "Value": ["Müller^Jörg=漢字"]}}
        )
        assert kept == {
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Müller^Jörg", "Ideographic": "漢字"}]},
            "00200011": {"vr": "IS", "Value": [7]},
        }
        assert corrections.normalised(kept) == kept

    def test_an_attribute_without_value_is_emptied_unless_it_must_have_one(self) -> None:
        assert corrections.normalised({"00100030": {"vr": "DA"}}) == {"00100030": {"vr": "DA"}}
        with pytest.raises(CorrectionInvalid, match="may not be empty"):
            corrections.normalised({"0020000D": {"vr": "UI", "Value": [""]}})

    @pytest.mark.parametrize(
        ("tag", "vr", "value"),
        [
            ("00280010", "US", 512),
            ("7FE00010", "OW", "x"),
            ("00080005", "CS", "ISO_IR 192"),
            ("00091001", "LO", "private"),
            ("00100020", "SH", "wrong VR"),
            ("00100020", "LO", "x" * 65),
            ("00100020", "LO", "two\\values"),
            ("00100020", "LO", "a\x00b"),
            ("00100020", "LO", "\u202etxt"),
            ("00100020", "LO", {"Alphabetic": "x"}),
            ("00100020", "LO", ["nested"]),
            ("00100010", "PN", "a=b=c=d"),
            ("00100010", "PN", "x" * 65),
            ("00100030", "DA", "20260230"),
            ("00100030", "DA", "2026-01-01"),
            ("00100040", "CS", "female"),
            ("00080030", "TM", "2561"),
            ("0020000D", "UI", "1.2..3"),
            ("0020000D", "UI", "../../etc"),
            ("00200011", "IS", "1e9"),
            ("nonsense", "LO", "x"),
        ],
    )
    def test_what_may_not_be_written_is_refused(self, tag: str, vr: str, value: Any) -> None:
        with pytest.raises(CorrectionInvalid):
            corrections.normalised({tag: {"vr": vr, "Value": [value]}})

    def test_two_values_only_where_the_attribute_may_have_them(self) -> None:
        with pytest.raises(CorrectionInvalid, match="too many"):
            corrections.normalised({"00100020": {"vr": "LO", "Value": ["a", "b"]}})
        assert corrections.normalised({"00200020": {"vr": "CS", "Value": ["L", "F"]}})["00200020"]["Value"] == [
            "L",
            "F",
        ]

    def test_a_correction_is_of_the_widest_level_that_it_touches(self) -> None:
        assert corrections.level_of(change(PatientID="1", SeriesDescription="x").attributes) is Level.PATIENT
        assert corrections.level_of(change(AccessionNumber="1").attributes) is Level.STUDY
        assert corrections.level_of(change(InstanceNumber="1").attributes) is Level.INSTANCE


class TestFile:
    @pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda uid: uid.name)
    def test_header_and_file_say_the_same_in_every_encoding(self, syntax: str) -> None:
        made = agrees(samples.stored(samples.ct_image(), syntax), change(**LOCAL), change(AccessionNumber="A2"))
        read = pydicom.dcmread(io.BytesIO(made))
        assert (read.PatientID, str(read.PatientName), read.AccessionNumber) == ("L-100", "Durand^Anne", "A2")
        assert read.PixelData == samples.ct_image().PixelData
        first, second = read.OriginalAttributesSequence
        before = first.ModifiedAttributesSequence[0]
        assert (before.PatientID, str(before.PatientName), before.IssuerOfPatientID) == ("4711", "Dupont^Marie", "")
        assert first.AttributeModificationDateTime == "20260304123001.000250+0000"
        assert (first.ModifyingSystem, first.SourceOfPreviousValues) == ("NEGATOSCOPE", "CT1")
        assert second.ReasonForTheAttributeModification == "CORRECT"

    def test_the_same_correction_twice_gives_the_same_bytes(self) -> None:
        content = samples.stored(samples.ct_image())
        assert corrected(content, change(**LOCAL)) == corrected(content, change(**LOCAL))

    def test_a_value_corrected_twice_shows_each_step(self) -> None:
        made = agrees(samples.stored(samples.ct_image()), change(PatientID="2"), change(PatientID="3"))
        steps = [
            item.ModifiedAttributesSequence[0].PatientID
            for item in pydicom.dcmread(io.BytesIO(made)).OriginalAttributesSequence
        ]
        assert steps == ["4711", "2"]

    def test_earlier_original_attributes_are_kept(self) -> None:
        item = Dataset()
        item.ModifiedAttributesSequence = Sequence([Dataset()])
        item.ModifiedAttributesSequence[0].PatientID = "OLD"
        item.ModifyingSystem = "ELSEWHERE"
        for undefined in (False, True):
            source = samples.ct_image(OriginalAttributesSequence=Sequence([item]))
            source["OriginalAttributesSequence"].is_undefined_length = undefined
            made = agrees(samples.stored(source), change(PatientID="NEW"))
            read = pydicom.dcmread(io.BytesIO(made)).OriginalAttributesSequence
            assert [entry.ModifyingSystem for entry in read] == ["ELSEWHERE", "NEGATOSCOPE"]

    def test_private_elements_and_trailing_padding_stay_byte_for_byte(self) -> None:
        source = samples.ct_image()
        block = source.private_block(0x0009, "ACME", create=True)
        block.add_new(0x01, "UN", b"\x01\x02\x03\x04")
        source.add_new(0xFFFCFFFC, "OB", b"\0" * 10)
        made = agrees(samples.stored(source), change(PatientID="NEW"))
        assert pydicom.dcmread(io.BytesIO(made))[0x0009, 0x1001].value == b"\x01\x02\x03\x04"
        assert made.endswith(b"\0" * 10)

    def test_another_sop_instance_uid_is_that_of_the_file_meta_group_too(self) -> None:
        made = agrees(samples.stored(samples.ct_image()), change(SOPInstanceUID="1.2.3.4"))
        read = pydicom.dcmread(io.BytesIO(made))
        assert read.file_meta.MediaStorageSOPInstanceUID == read.SOPInstanceUID == "1.2.3.4"
        assert read.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian

    def test_compressed_frames_are_copied(self) -> None:
        content = samples.encapsulated([b"\xff\x4f\xff\x51" * 10, b"\xff\x4f" * 7], JPEG2000Lossless)
        agrees(content, change(**LOCAL))

    @pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
    def test_any_range_is_a_part_of_the_whole(self, syntax: str) -> None:
        content = samples.stored(samples.ct_image(), syntax)
        plan = corrected_file.plan(io.BytesIO(content), [change(**LOCAL)])
        whole = b"".join(plan.read(io.BytesIO(content)))
        for start in range(0, plan.length, 37):
            for length in (1, 50, plan.length - start):
                found = b"".join(plan.read(io.BytesIO(content), start, length))
                assert found == whole[start : start + length]

    def test_retired_group_lengths_go_where_they_would_be_wrong(self) -> None:
        elements = samples.element(0x00080000, "UL", (28).to_bytes(4, "little"))
        elements += samples.element(0x00080018, "UI", b"1.2.3.4.5\0")
        elements += samples.element(0x00100000, "UL", (14).to_bytes(4, "little"))
        elements += samples.element(0x00100020, "LO", b"4711  ")
        elements += samples.element(0x00180000, "UL", (0).to_bytes(4, "little"))
        made = as_json(agrees(samples.raw_file(elements), change(PatientID="1")))
        assert not {"00080000", "00100000"} & made.keys()
        assert "00180000" in made

    def test_an_element_that_is_written_twice_is_corrected_once(self) -> None:
        elements = samples.element(0x00100020, "LO", b"AA") + samples.element(0x00100020, "LO", b"BB")
        made = agrees(samples.raw_file(elements), change(PatientID="1"))
        assert b"AA" not in made

    def test_an_identity_in_a_sequence_does_not_break_the_file(self) -> None:
        source = samples.ct_image(PatientID=None)
        source.add_new(0x00100020, "SQ", [Dataset()])
        agrees(samples.stored(source), change(PatientID="1"))

    @pytest.mark.parametrize("path", samples.readable_files(), ids=lambda path: path.name)
    def test_every_sample_can_be_corrected(self, path: Path) -> None:
        agrees(path.read_bytes(), change(**LOCAL))

    @pytest.mark.parametrize("path", samples.readable_files(), ids=lambda path: path.name)
    def test_every_sample_can_be_corrected_in_any_script(self, path: Path) -> None:
        agrees(path.read_bytes(), change(PatientName="Παπαδόπουλος^Νίκος=山田^太郎", source="Hélène"))


class TestCharacterSets:
    @pytest.mark.parametrize(
        ("terms", "name", "stays"),
        [
            ("ISO_IR 100", "Müller^Jörg", True),
            ("ISO_IR 100", "Παπαδόπουλος^Νίκος", False),
            ("ISO_IR 126", "Παπαδόπουλος^Νίκος", True),
            ("ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ", True),
            ("ISO_IR 13", "山田^太郎", False),
            (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう", True),
            (["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎", True),
            (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동", True),
            (["", "ISO 2022 IR 87"], "Παπαδόπουλος=Müller", False),
            ("GB18030", "Wang^XiaoDong=王^小东", True),
            ("ISO_IR 192", "Παπαδόπουλος=山田", True),
            (None, "Durand^Anne", True),
            (None, "Müller", False),
        ],
    )
    def test_a_name_keeps_the_character_set_when_it_fits(self, terms: Any, name: str, stays: bool) -> None:
        source = samples.ct_image(PatientName="Plain^Name")
        if terms is None:
            del source.SpecificCharacterSet
        else:
            source.SpecificCharacterSet = terms
        made = agrees(samples.stored(source), change(PatientName=name))
        read = pydicom.dcmread(io.BytesIO(made))
        assert str(read.PatientName) == name
        assert (read.get("SpecificCharacterSet") == source.get("SpecificCharacterSet")) is (stays)

    @pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda uid: uid.name)
    def test_all_other_text_goes_to_utf8_with_it(self, syntax: str) -> None:
        source = samples.ct_image(PatientName="Müller^Jörg", StudyDescription="Schädel")
        source.SpecificCharacterSet = "ISO_IR 100"
        inner, own = Dataset(), Dataset()
        inner.StudyDescription = "Höhe"
        inner.RequestAttributesSequence = Sequence([Dataset()])
        inner.RequestAttributesSequence[0].ScheduledProcedureStepDescription = "größer"
        own.SpecificCharacterSet = "ISO_IR 126"
        own.StudyDescription = "Κρανίο"
        source.RequestAttributesSequence = Sequence([inner, own])
        made = agrees(samples.stored(source, syntax), change(PatientName="Παπαδόπουλος"))
        read = pydicom.dcmread(io.BytesIO(made))
        assert read.SpecificCharacterSet == "ISO_IR 192"
        assert read.StudyDescription == "Schädel"
        first, second = read.RequestAttributesSequence
        assert first.StudyDescription == "Höhe"
        assert first.RequestAttributesSequence[0].ScheduledProcedureStepDescription == "größer"
        assert second.StudyDescription == "Κρανίο"
        before = read.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
        assert str(before.PatientName) == "Müller^Jörg"


def test_a_large_object_is_never_in_memory(tmp_path: Path) -> None:
    source = samples.ct_image(PixelData=None)
    content = samples.stored(source) + samples.element(0x7FE00010, "OW", b"")[:-4] + (2**30).to_bytes(4, "little")
    path = tmp_path / "large.dcm"
    with path.open("wb") as file:
        file.write(content)
        file.truncate(len(content) + 2**30)
    with path.open("rb") as file:
        tracemalloc.start()
        plan = corrected_file.plan(file, [change(**LOCAL)])
        length = sum(map(len, plan.read(file)))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert length == plan.length > 2**30
    assert peak < 4 * 1024 * 1024


NAMES = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="\\=^\ufffd"), max_size=20)


@settings(max_examples=60, deadline=None)
@given(name=NAMES, patient_id=NAMES, terms=st.sampled_from(["", "ISO_IR 100", "ISO_IR 144", "ISO_IR 13", "ISO_IR 192"]))
def test_whatever_the_words_header_and_file_agree(name: str, patient_id: str, terms: str) -> None:
    source = samples.ct_image(PatientName="Plain")
    source.SpecificCharacterSet = terms
    try:
        wanted = change(PatientName=name, PatientID=patient_id)
    except CorrectionInvalid:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        agrees(samples.stored(source), wanted)


@pytest.mark.conformance
@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda uid: uid.name)
def test_other_peoples_readers_accept_it(syntax: str, tmp_path: Path, peer: Peer) -> None:
    source = samples.ct_image()
    received, sent = tmp_path / "received.dcm", tmp_path / "sent.dcm"
    received.write_bytes(samples.stored(source, syntax))
    sent.write_bytes(corrected(received.read_bytes(), change("COERCE", PatientName="Παπαδόπουλος", PatientID="L-1")))
    dumped = subprocess.run([peer("dcmdump"), "+U8", "-q", sent], capture_output=True, check=True).stdout.decode()
    assert "[Παπαδόπουλος]" in dumped
    assert "[COERCE]" in dumped
    known, found = (_complaints(peer("dciodvfy"), path) for path in (received, sent))
    assert found <= known


def _complaints(program: str, path: Path) -> set[str]:
    text = subprocess.run([program, path], capture_output=True, check=False).stderr.decode(errors="replace")
    return {line for line in text.splitlines() if line.startswith("Error")}
