"""What a study list can be asked for: its filters and its orders, as frozen values."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from imaging.dicom.matching import Key
from imaging.studies.models import Study

Status = Study.Status


class Order(StrEnum):
    """The orders that a list offers; a leading minus is descending, as in Django. Blank values come last in both directions."""

    LATEST = "-study_at"
    EARLIEST = "study_at"
    LAST_RECEIVED = "-last_received_at"
    FIRST_RECEIVED = "last_received_at"
    NAME = "name_norm"
    NAME_DESCENDING = "-name_norm"
    PATIENT_ID = "patient_id"
    PATIENT_ID_DESCENDING = "-patient_id"
    ACCESSION = "accession_number"
    ACCESSION_DESCENDING = "-accession_number"
    MODALITY = "modality_key"
    MODALITY_DESCENDING = "-modality_key"
    DESCRIPTION = "description_norm"
    DESCRIPTION_DESCENDING = "-description_norm"
    BODY_PART = "body_part_examined"
    BODY_PART_DESCENDING = "-body_part_examined"
    OLDEST = "birth_date"
    YOUNGEST = "-birth_date"
    SEX = "sex"
    SEX_DESCENDING = "-sex"
    REFERRING = "referring_norm"
    REFERRING_DESCENDING = "-referring_norm"
    FEWEST_SERIES = "series_count"
    MOST_SERIES = "-series_count"
    FEWEST_INSTANCES = "instance_count"
    MOST_INSTANCES = "-instance_count"
    STATUS = "status"
    STATUS_DESCENDING = "-status"
    SOURCE = "source"
    SOURCE_DESCENDING = "-source"

    @property
    def column(self) -> str:
        """The sort key's column in placements."""
        return self.value.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether the greatest comes first."""
        return self.value.startswith("-")


@dataclass(frozen=True, slots=True)
class StudyFilters:
    """What the reader asked for; of several values in one filter any will do, and all filters hold at once.

    ``search`` are words of names, or beginnings of patient IDs and accession numbers; ``referring`` are words of the
    referring physician's name. Dates are days in the current time zone, both included; ``since`` is a moment, ``until`` another
    that is not included. ``departments`` and ``patients`` are keys, ``sources`` senders by name. ``attributes`` are DICOM
    matching keys (PS3.4 C.2.2.2). Of each group of ``sop_classes`` and ``series_body_parts`` the study holds one. What changed
    from ``changed_since`` on, and what did not change any more from ``changed_until`` on, is told by the change feed.
    """

    search: str = ""
    modalities: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    date_from: date | None = None
    date_to: date | None = None
    departments: tuple[int, ...] = ()
    body_parts: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    referring: str = ""
    sources: tuple[str, ...] = ()
    attributes: tuple[Key, ...] = ()
    patients: tuple[int, ...] = ()
    sop_classes: tuple[tuple[str, ...], ...] = ()
    series_body_parts: tuple[tuple[str, ...], ...] = ()
    changed_since: datetime | None = None
    changed_until: datetime | None = None

    @property
    def has_text(self) -> bool:
        """Whether anything is asked that no index of values answers."""
        return bool(self.search or self.referring or self.attributes)


#: No filter at all.
EVERYTHING: Final = StudyFilters()
