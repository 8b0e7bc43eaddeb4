"""Gives a demo object its invented patient and its date. Pixels stay byte for byte, and UIDs as they are but for copies."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from portal.demo import film, phantoms
from portal.demo.plan import DATA, DemoStudy, files_of

_DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")
_TIMES = ("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime")


def objects_of(study: DemoStudy, *, started: datetime) -> Iterator[Dataset]:
    """Yield the study's data sets, ready to send, dated back from `started` (the hospital's local time), never after it."""
    for source in study.sources:
        for dataset in _from(source):
            _dress(dataset, study, started)
            yield dataset


def _from(source: str) -> Iterator[Dataset]:
    kind, _, name = source.partition(":")
    if kind == "phantom":
        yield from phantoms.slices(name)
    elif kind == "film":
        yield film.digitised(DATA / name)
    else:
        for path in files_of(source):
            yield dcmread(path, force=True)


def _identify(dataset: Dataset) -> None:
    """Complete the identifiers that a test pattern lacks, always with the same values."""
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID"):
        if not dataset.get(keyword):
            setattr(dataset, keyword, generate_uid(entropy_srcs=["negatoscope demo", keyword, dataset.SOPInstanceUID]))


def _copied(dataset: Dataset, copy: str) -> None:
    """Give a second study of the same images UIDs of its own, always the same ones."""
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(dataset, keyword, generate_uid(entropy_srcs=["negatoscope demo", copy, dataset[keyword].value]))
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID


def _day(study: DemoStudy, started: datetime) -> datetime:
    """Today's studies that would lie in the future happened yesterday."""
    days = study.days or 0
    if days == 0 and time.fromisoformat(study.time) > started.time():
        days = 1
    return started - timedelta(days=days)


def _dress(dataset: Dataset, study: DemoStudy, started: datetime) -> None:
    _identify(dataset)
    if study.copy:
        _copied(dataset, study.copy)
    given = {
        "PatientName": study.name,
        "PatientID": study.patient_id,
        "PatientBirthDate": study.birth_date,
        "PatientSex": study.sex,
        "StudyDescription": study.description,
        "ReferringPhysicianName": study.referring,
        "AccessionNumber": study.accession,
    }
    given = {keyword: value for keyword, value in given.items() if value}
    if any(not value.isascii() for value in given.values()):
        # Texts are decoded with the old character set before they are written with the new one.
        dataset.decode()
        dataset.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in given.items():
        setattr(dataset, keyword, value)
    if not study.time:
        return
    day = study.date or _day(study, started).strftime("%Y%m%d")
    for keywords, value in ((_DATES, day), (_TIMES, study.time.replace(":", ""))):
        for keyword in keywords:
            if keyword in dataset or keyword in {"StudyDate", "StudyTime"}:
                setattr(dataset, keyword, value)
    # The new times are the demo hospital's own, not those of the scanner's zone.
    dataset.pop("TimezoneOffsetFromUTC", None)
