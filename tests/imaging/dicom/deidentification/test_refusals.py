"""What is refused, and what a person must look at before a copy goes out."""

import pytest

from imaging.dicom.deidentification.refusals import Refusal, Refused, Review
from tests.imaging.dicom.deidentification.making import copy_of, object_of, outcome_of

ROOT = "1.2.840.10008.5.1.4.1.1."


@pytest.mark.parametrize(
    ("sop_class", "refusal"),
    [
        (f"{ROOT}104.1", Refusal.ENCAPSULATED_DOCUMENT),
        (f"{ROOT}104.2", Refusal.ENCAPSULATED_DOCUMENT),
        (f"{ROOT}104.3", Refusal.ENCAPSULATED_DOCUMENT),
        (f"{ROOT}104.4", Refusal.ENCAPSULATED_DOCUMENT),
        (f"{ROOT}66", Refusal.RAW_DATA),
        (f"{ROOT}9.4.1", Refusal.AUDIO),
        ("1.2.840.10008.1.3.10", Refusal.DIRECTORY),
        ("1.3.12.2.1107.5.9.1", Refusal.PRIVATE_CLASS),
        (f"{ROOT}999", Refusal.UNKNOWN_CLASS),
        ("", Refusal.UNREADABLE),
    ],
)
def test_what_cannot_be_cleaned_surely_is_refused_with_its_reason(sop_class, refusal):
    everything_on = {
        "clean_structured_content": True,
        "clean_graphics": True,
        "clean_descriptors": True,
        "clean_pixel_data": True,
    }

    with pytest.raises(Refused) as caught:
        copy_of(object_of(sop_class), **everything_on)

    assert caught.value.refusal is refusal
    assert caught.value.code == refusal.value


@pytest.mark.parametrize(
    ("sop_class", "values", "reviews"),
    [
        (f"{ROOT}6.1", {"Modality": "US"}, {Review.BURNED_IN_LIKELY}),
        (f"{ROOT}6.1", {"Modality": "US", "BurnedInAnnotation": "NO"}, {Review.BURNED_IN_LIKELY}),
        (f"{ROOT}7", {"Modality": "CT"}, {Review.BURNED_IN_LIKELY}),
        (f"{ROOT}12.2", {"Modality": "RF"}, {Review.BURNED_IN_LIKELY}),
        (f"{ROOT}77.1.4", {"Modality": "XC"}, {Review.BURNED_IN_LIKELY}),
        (f"{ROOT}1", {"Modality": "CR", "ConversionType": "DF"}, {Review.BURNED_IN_LIKELY}),
        (f"{ROOT}2", {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, {Review.BURNED_IN_LIKELY}),
        (f"{ROOT}2", {"SamplesPerPixel": 3}, {Review.BURNED_IN_LIKELY}),
        (f"{ROOT}2", {"BurnedInAnnotation": "YES"}, {Review.BURNED_IN_DECLARED}),
        (f"{ROOT}2", {}, set()),
        (f"{ROOT}9.1.1", {"Modality": "ECG"}, set()),
    ],
)
def test_images_in_which_a_name_may_be_burned_are_held_for_review(sop_class, values, reviews):
    assert outcome_of(object_of(sop_class, **values)).review == reviews


def test_overlays_in_the_bits_of_the_pixels_are_held_for_review():
    source = object_of()
    source.add_new(0x60000102, "US", 12)

    assert outcome_of(source).review == {Review.OVERLAY_IN_PIXELS}
