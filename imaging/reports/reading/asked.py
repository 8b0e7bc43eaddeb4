"""What orders tell of a study that is to be read: values only, so that reading knows no order."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The question that a study answers; departments and people by primary key. ``priority`` is 0 STAT, 1 urgent, 2 routine."""

    request_key: str = ""
    priority: int = 2
    asked_by_id: int | None = None
    asked_by_name: str = ""
    asking_department_id: int | None = None
    performing_department_id: int | None = None
    asked_at: datetime | None = None
    accession_number: str = ""
    procedure_code: str = ""
    procedure_name: str = ""
    laterality: str = ""
    clinical_question: str = ""
    modality: str = ""
    body_part_examined: str = ""
    subspecialty: str = ""
