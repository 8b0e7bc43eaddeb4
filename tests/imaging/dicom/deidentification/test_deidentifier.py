"""What becomes of one object: stamp, pseudonym, UIDs, dates, private blocks, codes, descriptions, reports."""

import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID, JPEG2000Lossless

from imaging.dicom.deidentification.profile import Profile
from imaging.dicom.deidentification.pseudonyms import Keyed, Pseudonym
from imaging.dicom.deidentification.refusals import Refusal, Refused, Review
from tests.imaging.dicom import samples
from tests.imaging.dicom.deidentification import making
from tests.imaging.dicom.deidentification.making import KEY, PSEUDONYM, copy_of, item, object_of, outcome_of

ROOT = "1.2.840.10008.5.1.4.1.1."
BASIC_TEXT_SR, KEY_OBJECTS, GSPS = f"{ROOT}88.11", f"{ROOT}88.59", f"{ROOT}11.1"


# The stamp


def test_the_copy_says_that_and_how_it_was_de_identified():
    copy = copy_of(object_of(), clean_descriptors=True, retain_modified_dates=True)

    assert copy.PatientIdentityRemoved == "YES"
    assert [code.CodeValue for code in copy.DeidentificationMethodCodeSequence] == ["113100", "113105", "113107"]
    assert {code.CodingSchemeDesignator for code in copy.DeidentificationMethodCodeSequence} == {"DCM"}
    assert len(copy.DeidentificationMethod) == 3
    assert copy.LongitudinalTemporalInformationModified == "MODIFIED"
    assert "BurnedInAnnotation" not in copy


@pytest.mark.parametrize(
    ("options", "word"),
    [({}, "REMOVED"), ({"retain_full_dates": True}, "UNMODIFIED"), ({"retain_modified_dates": True}, "MODIFIED")],
)
def test_the_copy_says_what_became_of_its_dates(options, word):
    assert copy_of(object_of(), **options).LongitudinalTemporalInformationModified == word


def test_pixels_and_faces_are_called_clean_only_when_the_caller_says_so():
    source = object_of(BurnedInAnnotation="YES", RecognizableVisualFeatures="YES")

    kept = outcome_of(source)
    promised = outcome_of(source, clean_pixel_data=True, clean_recognizable_visual_features=True)

    assert kept.review == {Review.BURNED_IN_DECLARED, Review.RECOGNIZABLE_FEATURES}
    assert kept.needs_pixel_review
    assert (promised.dataset.BurnedInAnnotation, promised.dataset.RecognizableVisualFeatures) == ("NO", "NO")
    assert [code.CodeValue for code in promised.dataset.DeidentificationMethodCodeSequence] == [
        "113100",
        "113101",
        "113102",
    ]
    assert promised.review == frozenset()


def test_dates_cannot_be_both_as_they_were_and_moved():
    with pytest.raises(ValueError, match="exclude"):
        Profile(retain_full_dates=True, retain_modified_dates=True)


# Who


def test_the_patient_has_the_pseudonym_wherever_the_patient_stood():
    copy = copy_of(object_of(PatientBirthDate="19500102", PatientSex="F"))

    assert (copy.PatientName, copy.PatientID) == (PSEUDONYM.patient_name, PSEUDONYM.patient_id)
    assert (copy.PatientBirthDate, copy.PatientSex) == ("", "")


@pytest.mark.parametrize("text", ["", "é", "a\\b", "a\nb", "x" * 65])
def test_a_pseudonym_that_cannot_be_written_is_refused(text):
    with pytest.raises(ValueError, match="pseudonym"):
        Pseudonym(text, "Subject")


def test_a_short_key_is_refused():
    with pytest.raises(ValueError, match="16 bytes"):
        Keyed(b"short", PSEUDONYM)


def test_the_age_of_the_very_old_is_not_told_even_when_ages_are_kept():
    ages = [
        copy_of(object_of(PatientAge=age), retain_patient_characteristics=True).PatientAge
        for age in ("034Y", "089Y", "101Y")
    ]

    assert ages == ["034Y", "089Y", "090Y"]


# UIDs


def test_the_objects_of_a_study_still_belong_together():
    first = copy_of(object_of(SOPInstanceUID=f"{making.STUDY}.10"))
    second = copy_of(object_of(SOPInstanceUID=f"{making.STUDY}.11", ReferencedImageSequence=[
        item(ReferencedSOPClassUID=samples.CT_IMAGE, ReferencedSOPInstanceUID=f"{making.STUDY}.10")
    ]))  # fmt: skip

    assert first.StudyInstanceUID == second.StudyInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert second.ReferencedImageSequence[0].ReferencedSOPInstanceUID == first.SOPInstanceUID
    assert second.ReferencedImageSequence[0].ReferencedSOPClassUID == samples.CT_IMAGE
    assert first.file_meta.MediaStorageSOPInstanceUID == first.SOPInstanceUID


def test_another_key_gives_other_uids():
    assert (
        copy_of(object_of()).StudyInstanceUID
        != copy_of(object_of(), key=b"another key of sufficient length").StudyInstanceUID
    )


@given(st.text(st.sampled_from("0123456789."), min_size=1, max_size=64), st.binary(min_size=16, max_size=40))
def test_every_uid_made_is_a_valid_one_and_the_same_again(original, key):
    keyed = Keyed(key, PSEUDONYM)

    made = keyed.uid(original)

    assert UID(made).is_valid
    assert len(made) <= 64
    assert made.startswith("2.25.")
    assert made == Keyed(key, Pseudonym("OTHER", "Other")).uid(original)
    assert made != original


def test_a_name_hidden_as_a_uid_under_the_standards_root_is_mapped():
    hidden = "1.2.840.10008.19500102.4711"

    copy = copy_of(object_of(StudyInstanceUID=hidden, FrameOfReferenceUID="1.2.840.10008.1.4.1.1"))

    assert copy.StudyInstanceUID.startswith("2.25.")
    assert copy.FrameOfReferenceUID == "1.2.840.10008.1.4.1.1"


def test_uids_stay_when_they_are_to_be_kept():
    copy = copy_of(object_of(), retain_uids=True)

    assert (copy.StudyInstanceUID, copy.SOPInstanceUID) == (making.STUDY, f"{making.STUDY}.3")


# Dates


def test_moved_dates_keep_their_distances_and_times_within_a_patient():
    one = copy_of(
        object_of(StudyDate="20240110", StudyTime="101500", AcquisitionDateTime="20240112093000.5+0100"),
        retain_modified_dates=True,
    )
    two = copy_of(object_of(StudyDate="20240210"), retain_modified_dates=True)
    days = [int(re.sub(r"\D", "", str(day))) for day in (one.StudyDate, two.StudyDate)]

    assert days[0] < 20240110
    assert (_day(two.StudyDate) - _day(one.StudyDate)).days == 31
    assert one.StudyTime == "101500"
    assert one.AcquisitionDateTime[8:] == "093000.5+0100"
    assert (_day(one.AcquisitionDateTime[:8]) - _day(one.StudyDate)).days == 2


def _day(text):
    return datetime.strptime(str(text), "%Y%m%d")  # noqa: DTZ007


def test_another_patients_dates_move_by_another_distance():
    keyed = [Keyed(KEY, Pseudonym(f"S{number}", "S")).moved(_day("20240110").date()) for number in range(20)]

    assert len(set(keyed)) > 15


@pytest.mark.parametrize("day", ["2024", "20241399", "yesterday", "00010101"])
def test_a_date_that_cannot_be_moved_is_not_left(day):
    source = object_of()
    source.add_new(0x00080020, "LO", "x")
    source["StudyDate"]._value = day
    source["StudyDate"].VR = "DA"

    copy = copy_of(source, retain_modified_dates=True)

    assert day not in str(copy.get("StudyDate", ""))


def test_a_study_made_on_the_day_of_birth_keeps_its_date_when_dates_are_kept():
    copy = copy_of(object_of(PatientBirthDate="20240110", StudyDate="20240110"), retain_full_dates=True)

    assert (copy.StudyDate, copy.PatientBirthDate) == ("20240110", "")


# Private blocks


def _with_private():
    source = object_of()
    block = source.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", "1000")
    block.add_new(0x08, "CS", "IMAGE NUM 4")
    source.private_block(0x0019, "GEMS_ACQU_01", create=True).add_new(0x9E, "LO", "fse")
    source.private_block(0x0029, "UNKNOWN MAKER", create=True).add_new(0x01, "DS", "1")
    return source


def test_no_private_element_is_left_by_default():
    assert [element for element in copy_of(_with_private()) if element.tag.is_private] == []


def test_listed_private_numbers_stay_with_their_creator_when_asked_for_and_texts_do_not():
    copy = copy_of(_with_private(), retain_safe_private=True)

    assert copy.private_block(0x0019, "SIEMENS MR HEADER")[0x0C].value == 1000
    assert sorted(int(element.tag) for element in copy if element.tag.is_private) == [0x00190010, 0x0019100C]


# Codes and descriptions


def test_codes_of_a_hospitals_own_say_nothing_in_the_copy_and_registered_ones_stay():
    copy = copy_of(object_of(
        ViewCodeSequence=[item(CodeValue="DUP-1", CodingSchemeDesignator="99CHU", CodeMeaning="Room of Dr Dupuytren")],
        AnatomicRegionSequence=[item(CodeValue="69536005", CodingSchemeDesignator="SCT", CodeMeaning="Head")],
    ))  # fmt: skip

    assert (copy.ViewCodeSequence[0].CodeValue, copy.ViewCodeSequence[0].CodeMeaning) == ("REMOVED", "REMOVED")
    assert copy.AnatomicRegionSequence[0].CodeMeaning == "Head"


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("CT Thorax avec injection Mme Durand 06 12 34 56 78", "CT THORAX AVEC INJECTION 06 12 34 56 78"),
        ("T2w TSE axial 3mm", "T2W TSE AXIAL 3MM"),
        ("IRM du crâne, Dr Ouellet", "IRM CRANE"),
        ("Durand 4711", ""),
    ],
)
def test_descriptions_are_reduced_to_words_that_describe(written, left):
    copy = copy_of(object_of(SeriesDescription=written), clean_descriptors=True)

    assert copy.get("SeriesDescription", "") == left


def test_without_the_option_descriptions_go():
    assert "SeriesDescription" not in copy_of(object_of(SeriesDescription="CT Thorax"))


def test_a_word_that_describes_goes_when_it_is_somebodys_name():
    copy = copy_of(object_of(PatientName="Foot^Michael", SeriesDescription="Foot left"), clean_descriptors=True)

    assert copy.SeriesDescription == "LEFT"


# Reports and presentation states


def _content(kind, code, meaning, **values):
    name = [item(CodeValue=code, CodingSchemeDesignator="DCM", CodeMeaning=meaning)]
    return item(RelationshipType="CONTAINS", ValueType=kind, ConceptNameCodeSequence=name, **values)


def _report():
    content = [
        _content("TEXT", "121071", "Finding", TextValue="Seen by Ouellet"),
        _content("PNAME", "121008", "Person Observer Name", PersonName="Ouellet^B"),
        _content("NUM", "121033", "Subject Age", MeasuredValueSequence=[item(NumericValue="97")]),
        _content("NUM", "112039", "Tumor Size", MeasuredValueSequence=[item(NumericValue="12.5")]),
    ]
    return object_of(BASIC_TEXT_SR, Modality="SR", ValueType="CONTAINER", ContentSequence=content)


@pytest.mark.parametrize("sop_class", [BASIC_TEXT_SR, KEY_OBJECTS])
def test_a_report_is_refused_unless_its_content_may_be_cleaned(sop_class):
    with pytest.raises(Refused) as caught:
        copy_of(object_of(sop_class))

    assert caught.value.refusal is Refusal.STRUCTURED_CONTENT


def test_a_cleaned_report_keeps_its_shape_and_measures_but_no_words_and_is_held_for_review():
    outcome = outcome_of(_report(), clean_structured_content=True)
    finding, observer, age, size = outcome.dataset.ContentSequence

    assert (finding.TextValue, observer.PersonName) == ("REMOVED", "REMOVED")
    assert len(age.MeasuredValueSequence) == 0
    assert size.MeasuredValueSequence[0].NumericValue == 12.5
    assert finding.ConceptNameCodeSequence[0].CodeMeaning == "Finding"
    assert outcome.review == {Review.STRUCTURED_TEXT}
    assert not outcome.needs_pixel_review


def test_an_age_measured_in_a_report_stays_with_the_patients_characteristics():
    copy = copy_of(_report(), clean_structured_content=True, retain_patient_characteristics=True)

    assert copy.ContentSequence[2].MeasuredValueSequence[0].NumericValue == 97


def _presentation_state():
    return object_of(GSPS, Modality="PR", GraphicAnnotationSequence=[item(
        GraphicLayer="ONE", TextObjectSequence=[item(UnformattedTextValue="Ouellet")],
        GraphicObjectSequence=[item(GraphicType="POINT", GraphicData=[1.0, 2.0])],
    )])  # fmt: skip


def test_words_on_images_go_and_lines_stay_only_under_clean_graphics():
    assert "GraphicAnnotationSequence" not in copy_of(_presentation_state())
    (annotation,) = copy_of(_presentation_state(), clean_graphics=True).GraphicAnnotationSequence
    assert "TextObjectSequence" not in annotation
    assert annotation.GraphicObjectSequence[0].GraphicType == "POINT"


# The source, again and again


def test_the_source_stays_as_it_is_and_pixels_are_not_copied():
    source = object_of(PixelData=bytes(512), Rows=16, Columns=16, BitsAllocated=16)
    before = source.to_json()

    copy = copy_of(source)

    assert source.to_json() == before
    assert copy["PixelData"].value is source["PixelData"].value


def test_pixels_that_no_decoder_could_read_are_no_hindrance():
    source = object_of(transfer_syntax_uid=JPEG2000Lossless, PixelData=b"\xfe\xff\x00\xe0\x04\0\0\0junk")

    assert copy_of(source).PixelData == source.PixelData


def test_done_twice_nothing_but_uids_changes():
    once = copy_of(_report(), clean_structured_content=True, retain_uids=True)
    twice = copy_of(once, clean_structured_content=True, retain_uids=True)

    assert twice.to_json_dict() == once.to_json_dict()


def test_the_counts_tell_what_was_done():
    counts = outcome_of(object_of(PatientBirthDate="19500102", PatientComments="x")).counts

    assert counts["removed"] == 1
    assert counts["emptied"] == 1
    assert counts["uids_mapped"] == 3
    assert counts["replaced"] == 2
