"""The demo hospital's objects: invented people and dates, real pixels, the same bytes every time."""

from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from pydicom import dcmread

from portal.demo import headers, phantoms, plan

STARTED = datetime(2026, 11, 21, 8, 0, tzinfo=ZoneInfo("Europe/Paris"))
PLAN = plan.read()


def _study(source: str) -> plan.DemoStudy:
    return next(study for study in PLAN.studies if source in study.sources)


def test_each_study_is_noted_as_sent_by_a_key_of_its_own() -> None:
    keys = [study.key for study in PLAN.studies]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("source", ["radiographs/chest-pa-metastases", "radiographs/hand-pa", "us-echo-cine"])
def test_pixels_and_identifiers_stay_as_they_are(source: str) -> None:
    study = _study(source)
    originals = {
        str(original.SOPInstanceUID): original
        for part in study.sources
        for original in map(dcmread, plan.files_of(part))
    }
    sent = list(headers.objects_of(study, started=STARTED))
    assert {str(dataset.SOPInstanceUID) for dataset in sent} == set(originals)
    for dataset in sent:
        original = originals[str(dataset.SOPInstanceUID)]
        assert dataset.get("PixelData") == original.get("PixelData")
        assert dataset.StudyInstanceUID == original.StudyInstanceUID
        if not study.patient_id:
            assert dataset.PatientID == original.PatientID
        if not study.accession:
            assert dataset.get("AccessionNumber") == original.get("AccessionNumber")


def test_names_that_are_given_are_written_in_unicode() -> None:
    (chest, *_) = headers.objects_of(_study("radiographs/chest-pa-metastases"), started=STARTED)
    assert str(chest.PatientName) == "Lefèvre^Hélène^^Mme"
    assert chest.SpecificCharacterSet == "ISO_IR 192"


@pytest.mark.filterwarnings("ignore:Incorrect value for Specific Character Set")
def test_nothing_happens_in_the_future() -> None:
    for study in PLAN.studies:
        if study.time and not any(source.startswith("phantom:") for source in study.sources):
            dataset = next(headers.objects_of(study, started=STARTED))
            assert f"{dataset.StudyDate}{dataset.StudyTime}" <= STARTED.strftime("%Y%m%d%H%M%S"), study


def test_the_earlier_chest_is_a_film_of_the_same_person() -> None:
    (film,) = headers.objects_of(_study("film:film-scans/nih-00000001_000.png"), started=STARTED)
    (chest, *_) = headers.objects_of(_study("radiographs/chest-pa-metastases"), started=STARTED)
    assert film.SOPClassUID.name == "Secondary Capture Image Storage"
    assert film.PatientID == chest.PatientID
    assert film.StudyDate < chest.StudyDate


def test_a_patient_has_an_earlier_study_in_another_department() -> None:
    now = _study("ct-head")
    (before,) = [study for study in PLAN.studies if study.copy]
    owners = {rule["calling_ae_title"]: rule["owner"] for rule in PLAN.rules if "calling_ae_title" in rule}
    assert (owners["EMERGENCY_*"], owners[before.sender]) == ("radiology", "cardiology")
    (head, *_), (echo,) = (list(headers.objects_of(study, started=STARTED)) for study in (now, before))
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex"):
        assert head[keyword].value == echo[keyword].value
    assert echo.StudyDate < head.StudyDate
    # It is made of another patient's images, and yet a study of its own, the same one every time.
    (original,) = headers.objects_of(_study("us-echo-cine"), started=STARTED)
    assert echo.PixelData == original.PixelData
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        assert echo[keyword].value != original[keyword].value
    assert echo.file_meta.MediaStorageSOPInstanceUID == echo.SOPInstanceUID
    (again,) = headers.objects_of(before, started=STARTED)
    assert again.SOPInstanceUID == echo.SOPInstanceUID


@pytest.mark.parametrize("name", sorted(phantoms.PHANTOMS))
def test_a_phantom_is_the_same_every_time(name: str) -> None:
    once, again = (list(islice(phantoms.slices(name), 3)) for _ in range(2))
    assert [slice_.SOPInstanceUID for slice_ in once] == [slice_.SOPInstanceUID for slice_ in again]
    assert [slice_.PixelData for slice_ in once] == [slice_.PixelData for slice_ in again]


def test_every_sender_and_every_source_exists() -> None:
    for study in PLAN.studies:
        assert study.sender in PLAN.application_entities
        for source in study.sources:
            kind, _, name = source.partition(":")
            assert (kind == "phantom" and name in phantoms.PHANTOMS) or (plan.DATA / (name or kind)).exists()


def test_animals_and_test_patterns_go_to_quality_only() -> None:
    (rule,) = [rule for rule in PLAN.rules if rule.get("calling_ae_title") == "QA_ROOM"]
    assert rule["owner"] == "quality"
    assert not rule.get("also")
    for source in ("radiographs/dog-thorax", "phi-header", "transfer-syntaxes"):
        assert _study(source).sender == "QA_ROOM"
