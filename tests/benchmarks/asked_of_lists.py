"""What the measurements ask of a study list: every kind of filter, common and rare, by value and by text."""

from datetime import date

from imaging.studies.selectors import Status, StudyFilters

VALUES = {
    "nothing": StudyFilters(),
    "a common modality": StudyFilters(modalities=("CT",)),
    "two modalities": StudyFilters(modalities=("MR", "PT")),
    "a modality of long ago": StudyFilters(modalities=("RF",)),
    "a rare modality": StudyFilters(modalities=("ES",)),
    "a day": StudyFilters(date_from=date(2026, 11, 20)),
    "thirty days": StudyFilters(date_from=date(2026, 10, 21)),
    "a year": StudyFilters(date_from=date(2025, 11, 20)),
    "years ago": StudyFilters(date_to=date(2018, 12, 31)),
    "a common body part": StudyFilters(body_parts=("CHEST",)),
    "a rare body part": StudyFilters(body_parts=("PROSTATE",)),
    "needs attention": StudyFilters(statuses=(Status.ATTENTION,)),
    "complete": StudyFilters(statuses=(Status.COMPLETE,)),
    "a source": StudyFilters(sources=("MR_03",)),
    "modality and days": StudyFilters(modalities=("CT",), date_from=date(2026, 10, 21)),
    "modality and body part": StudyFilters(modalities=("MR",), body_parts=("BRAIN",)),
}
TEXTS = {
    "a family name": StudyFilters(search="martin"),
    "two names": StudyFilters(search="jeanne martin"),
    "three letters": StudyFilters(search="mar"),
    "two letters": StudyFilters(search="an"),
    "one letter": StudyFilters(search="a"),
    "two letters of nobody": StudyFilters(search="zw"),
    "nobody": StudyFilters(search="zzzzzz"),
    "an ID": StudyFilters(search="IPP000123"),
    "an accession number": StudyFilters(search="A0000999"),
    "ten thousand letters": StudyFilters(search="martin dupont " * 700),
    "a referring physician": StudyFilters(referring="el amrani"),
    "a name and a modality": StudyFilters(search="mar", modalities=("CT",)),
}
