"""The DICOM objects of a report: what other people's programs, and our own study page, read in them."""

import datetime as dt
import io
import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest

from imaging.dicom import content_tree, json_model
from imaging.dicom.wrapping.facts import PatientFacts, Place, SeriesFacts, StudyFacts
from imaging.reports.documents import typeset
from imaging.reports.documents.content import (
    Code,
    CriticalFinding,
    EarlierVersion,
    Kind,
    Measurement,
    Order,
    Person,
    ReportContent,
    Section,
    Signature,
)
from imaging.reports.documents.encapsulated import encapsulated
from imaging.reports.documents.identity import DocumentKind, instance_uid, series_uid
from imaging.reports.documents.structured import BASIC_TEXT_SR, ENHANCED_SR, structured
from tests.factories import report_contents
from tests.peers import Peer

STUDY = "1.2.3.4"


def place(content: ReportContent, kind: DocumentKind = DocumentKind.STRUCTURED) -> Place:
    """A place in the study of the hand."""
    modality = "SR" if kind is DocumentKind.STRUCTURED else "DOC"
    return Place(
        patient=PatientFacts(
            patient_name=content.patient.patient_name,
            patient_id="P-004711",
            issuer_of_patient_id="HSC",
            birth_date=dt.date(1987, 3, 9),
            sex="F",
        ),
        study=StudyFacts(
            study_instance_uid=STUDY, study_at=report_contents.SIGNED_AT, accession_number="A2026-1182", study_id="1"
        ),
        series=SeriesFacts(
            series_instance_uid=series_uid(content.report_key, STUDY, kind), series_number=9801, modality=modality
        ),
        sop_instance_uid=instance_uid(content.report_key, content.number, kind),
        instance_number=content.number,
        made_at=content.signed_at,
    )


def corrected() -> ReportContent:
    """A correction with everything that a report can have."""
    return report_contents.measured(
        kind=Kind.CORRECTION,
        number=2,
        critical=(CriticalFinding(text="Displaced fracture", level="Orange"),),
        earlier=(EarlierVersion(number=1, kind=Kind.FINAL, at=report_contents.SIGNED_AT),),
    )


CONTENTS = {
    "plain": report_contents.content,
    "preliminary": lambda: report_contents.content(kind=Kind.PRELIMINARY),
    "corrected": corrected,
    "pictures": lambda: report_contents.content(
        pictures=(report_contents.key_picture(), report_contents.key_picture(2, ""))
    ),
}


def read(file: bytes) -> pydicom.FileDataset:
    """The data set of a file."""
    return pydicom.dcmread(io.BytesIO(file))


@pytest.mark.parametrize("which", CONTENTS)
def test_dcmtk_reads_the_whole_tree_and_validates_it(which: str, peer: Peer, tmp_path: Path) -> None:
    content = CONTENTS[which]()
    file = tmp_path / "report.dcm"
    file.write_bytes(structured(content, place(content)))
    # dsrdump refuses a tree whose relations the SOP class does not allow.
    done = subprocess.run([peer("dsrdump"), "+Pl", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if "VR checker does not support" not in line]
    assert "Boxer's fracture with 32° of angulation." in done.stdout


@pytest.mark.parametrize("which", CONTENTS)
def test_a_stranger_s_validator_finds_no_error(which: str, peer: Peer, tmp_path: Path) -> None:
    content = CONTENTS[which]()
    files = {
        "sr.dcm": structured(content, place(content)),
        "pdf.dcm": encapsulated(content, typeset.pdf(content), place(content, DocumentKind.ENCAPSULATED)),
    }
    for name, file in files.items():
        (tmp_path / name).write_bytes(file)
        done = subprocess.run([peer("dciodvfy"), str(tmp_path / name)], capture_output=True, text=True, check=False)
        errors = [line for line in (done.stderr + done.stdout).splitlines() if line.startswith("Error")]
        assert not errors


def test_numbers_decide_the_class_and_keep_how_they_were_written() -> None:
    plain, measured = report_contents.content(), report_contents.measured()
    assert read(structured(plain, place(plain))).SOPClassUID == BASIC_TEXT_SR
    precise = Measurement(label="Length", value="2.40", unit="mm", ucum="mm")
    vague = Measurement(label="Length", value="about 3", unit="mm", ucum="mm")
    content = report_contents.content(measurements=(precise, vague), sections=())
    made = read(structured(content, place(content)))
    assert made.SOPClassUID == ENHANCED_SR
    (findings,) = [item for item in made.ContentSequence if item.ValueType == "CONTAINER"]
    number, words = findings.ContentSequence
    assert str(number.MeasuredValueSequence[0].NumericValue) == "2.40"
    assert words.TextValue == "Length: about 3 mm"
    assert read(structured(measured, place(measured))).SOPClassUID == ENHANCED_SR


def test_the_flags_say_whether_it_is_final_and_who_verified_it() -> None:
    content = report_contents.content()
    made = read(structured(content, place(content)))
    assert (made.CompletionFlag, made.VerificationFlag, made.PreliminaryFlag) == ("COMPLETE", "VERIFIED", "FINAL")
    (observer,) = made.VerifyingObserverSequence
    assert observer.VerifyingObserverName == "Lefèvre^Camille^^Dr"
    assert observer.VerificationDateTime == "20261122140500+0100"
    early = report_contents.content(kind=Kind.PRELIMINARY)
    made = read(structured(early, place(early)))
    assert (made.CompletionFlag, made.VerificationFlag, made.PreliminaryFlag) == (
        "PARTIAL",
        "UNVERIFIED",
        "PRELIMINARY",
    )
    assert "VerifyingObserverSequence" not in made


def test_a_correction_names_the_version_before_it() -> None:
    content = corrected()
    made = read(structured(content, place(content)))
    (study,) = made.PredecessorDocumentsSequence
    (series,) = study.ReferencedSeriesSequence
    (before,) = series.ReferencedSOPSequence
    assert series.SeriesInstanceUID == made.SeriesInstanceUID
    assert before.ReferencedSOPInstanceUID == instance_uid(content.report_key, 1, DocumentKind.STRUCTURED)
    assert before.ReferencedSOPClassUID == BASIC_TEXT_SR


def test_an_addendum_repeats_what_it_was_added_to_and_codes_itself() -> None:
    before = EarlierVersion(number=1, kind=Kind.FINAL, at=report_contents.SIGNED_AT, sections=report_contents.ENGLISH)
    note = Section(code="addendum-2", title="Addendum", text="Seen again.")
    content = report_contents.content(number=2, kind=Kind.ADDENDUM, sections=(note,), earlier=(before,))
    made = read(structured(content, place(content)))
    headings = [
        item.ConceptNameCodeSequence[0].CodeValue for item in made.ContentSequence if item.ValueType == "CONTAINER"
    ]
    assert headings == ["55112-7", "18785-6", "55111-9", "18834-2", "59776-5", "19005-8", "55107-7"]


def test_a_withdrawal_says_so_before_anything_else() -> None:
    content = report_contents.content(number=2, kind=Kind.WITHDRAWAL, sections=(), reason="Another patient's images.")
    made = read(structured(content, place(content)))
    (summary,) = [item for item in made.ContentSequence if item.ValueType == "CONTAINER"]
    assert summary.ContentSequence[0].TextValue == (
        "This report has been withdrawn and must not be used. Reason: Another patient's images."
    )


def test_every_image_it_speaks_of_is_evidence() -> None:
    content = report_contents.measured()
    made = read(structured(content, place(content)))
    named = {
        item.ReferencedSOPInstanceUID
        for study in made.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    assert named == {"1.2.3.4.5.1", "1.2.3.4.5.2", "1.2.3.4.5.3", "1.2.3.4.5.6"}


def test_our_own_study_page_reads_the_tree() -> None:
    content = report_contents.measured()
    made = read(structured(content, place(content)))
    tree = content_tree.read(json.loads(json_model.to_json(made)))
    assert tree.title.meaning == "X-Ray Report"
    assert (tree.completion, tree.verification) == ("COMPLETE", "VERIFIED")
    headings = [node.concept.meaning for node in tree.root.children if node.kind == "CONTAINER"]
    assert headings == [
        "Indications for Procedure",
        "Current Procedure Descriptions",
        "Previous Findings",
        "Findings",
        "Impressions",
        "Key Images",
    ]


def test_texts_of_any_kind_stay_texts() -> None:
    text = "back\\slash ^caret = equals\n患者 😀 " + "x" * 70_000
    content = report_contents.content(sections=(Section(code="own heading of ours", title="Own\\^", text=text),))
    made = read(structured(content, place(content)))
    (own,) = [item for item in made.ContentSequence if item.ValueType == "CONTAINER"]
    assert own.ContentSequence[0].TextValue == text.replace("\n", "\r\n")
    assert own.ConceptNameCodeSequence[0].CodingSchemeDesignator == "99NEGATOSCOPE"


def test_the_pdf_lies_in_its_object_byte_for_byte() -> None:
    content = report_contents.measured()
    pdf = typeset.pdf(content)
    made = read(encapsulated(content, pdf, place(content, DocumentKind.ENCAPSULATED)))
    assert made.EncapsulatedDocument[: made.EncapsulatedDocumentLength] == pdf
    assert made.ConceptNameCodeSequence[0].CodeValue == "18748-4"
    assert made.DocumentTitle == "Radiograph of the right hand"
    assert made.VerificationFlag == "VERIFIED"
    assert made.SpecificCharacterSet == "ISO_IR 192"
    assert made.PatientName == "Ben-Șerban^Élodie^Zoë"
    assert len(made.SourceInstanceSequence) == 4


def test_the_same_version_gives_the_same_objects() -> None:
    first, again = report_contents.content(), report_contents.content()
    assert structured(first, place(first)) == structured(again, place(again))


def test_whatever_people_are_called_and_things_are_named_the_objects_can_be_read(peer: Peer, tmp_path: Path) -> None:
    odd = "\\a^b=c^d\n'\"<" + "é" * 300
    person = Person(name=odd, person_name=odd, organisation=odd)
    code = Code(value=odd, scheme=odd, meaning=odd)
    content = report_contents.content(
        title=odd * 9,
        authors=(person, Person(name="")),
        signatures=(Signature(person=person, at=report_contents.SIGNED_AT),),
        order=Order(requester=person, procedure=odd, procedure_code=code, requested_procedure_id=odd),
        sections=(Section(code=odd, title=odd, text=odd), Section(code="", title="", text="x")),
        measurements=(
            Measurement(label="", value="1e5", unit=odd, ucum=odd, concept=Code(value="", scheme="", meaning="")),
            Measurement(label=odd, value="7", unit=odd, ucum=odd, concept=code),
        ),
        pictures=(replace(report_contents.key_picture(), caption=odd * 20),),
    )
    for kind, file in {
        DocumentKind.STRUCTURED: structured(content, place(content)),
        DocumentKind.ENCAPSULATED: encapsulated(
            content, typeset.pdf(content), place(content, DocumentKind.ENCAPSULATED)
        ),
    }.items():
        path = tmp_path / f"{kind}.dcm"
        path.write_bytes(file)
        assert read(file).PatientID == "P-004711"
        program = "dsrdump" if kind is DocumentKind.STRUCTURED else "dcmdump"
        done = subprocess.run([peer(program), str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
