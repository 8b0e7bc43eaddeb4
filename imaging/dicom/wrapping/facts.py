"""What a builder must be told, as frozen values: whose it is, where it belongs, and what the material is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class Origin(StrEnum):
    """What a picture or video shows; decides SOP class, modality and conversion type."""

    PHOTO = "photo"
    ENDOSCOPY = "endoscopy"
    MICROSCOPY = "microscopy"
    FILM = "film"
    PAPER = "paper"
    SCREEN = "screen"


#: What a camera makes: Visible Light objects. The others are secondary captures.
CAMERAS = frozenset({Origin.PHOTO, Origin.ENDOSCOPY, Origin.MICROSCOPY})

#: Modality (0008,0060) by origin (PS3.3 C.7.3.1.1.1): RG is a conventional film.
MODALITIES = {
    Origin.PHOTO: "XC",
    Origin.ENDOSCOPY: "ES",
    Origin.MICROSCOPY: "GM",
    Origin.FILM: "RG",
    Origin.PAPER: "DOC",
    Origin.SCREEN: "OT",
}
DOCUMENT_MODALITY = "DOC"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientFacts:
    """Patient module (C.7.1.1); ``patient_name`` as in DICOM (PN)."""

    patient_name: str
    patient_id: str = ""
    issuer_of_patient_id: str = ""
    birth_date: date | None = None
    sex: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFacts:
    """General Study module (C.7.2.1). ``study_at`` is aware, in the hospital's zone; None when no date is known."""

    study_instance_uid: str
    study_at: datetime | None
    time_is_known: bool = True
    accession_number: str = ""
    study_id: str = ""
    description: str = ""
    referring_physician_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFacts:
    """General Series module (C.7.3.1); ``body_part_examined`` is a key of ``regions.REGIONS``; ``laterality`` R or L."""

    series_instance_uid: str
    series_number: int
    modality: str
    description: str = ""
    body_part_examined: str = ""
    laterality: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one object belongs. ``made_at`` (aware) is now; ``taken_at`` when the picture was taken, where known."""

    patient: PatientFacts
    study: StudyFacts
    series: SeriesFacts
    sop_instance_uid: str
    instance_number: int
    made_at: datetime
    taken_at: datetime | None = None
    shows_identity: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LossyHistory:
    """That information was lost before or by us (C.7.6.1.1.5): the method's defined term and how many times smaller."""

    method: str
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFacts:
    """Prepared frames that lie one after another in a stream; ``lengths`` in bytes, one code stream each.

    ``density`` are dots per inch (rows, columns) as the file says them. ``window`` is (centre, width) of what is there.
    ``is_untouched`` says that the code stream is the one received. ``notes`` are codes for what was left out.
    """

    rows: int
    columns: int
    lengths: tuple[int, ...]
    transfer_syntax_uid: str
    photometric_interpretation: str
    samples_per_pixel: int = 1
    bits_allocated: int = 8
    bits_stored: int = 8
    density: tuple[float, float] | None = None
    window: tuple[float, float] | None = None
    lossy: LossyHistory | None = None
    icc_profile: bytes = b""
    is_untouched: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFacts:
    """A prepared MP4 stream of ``length`` bytes; ``frame_time`` in milliseconds; ``audio_channels`` 0 without sound."""

    rows: int
    columns: int
    number_of_frames: int
    frame_time: float
    length: int
    transfer_syntax_uid: str
    lossy: LossyHistory
    audio_channels: int = 0
    is_untouched: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """A coded concept: value, scheme and meaning (PS3.3 section 8)."""

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFacts:
    """A PDF or CDA document of ``length`` bytes. ``hl7_identifier`` is the CDA's own id (root^extension).

    ``concept`` says what the document is. ``is_verified`` that a person has signed it (None: nobody can say).
    ``sources`` are the (SOP class UID, SOP instance UID) of what it was made of.
    """

    length: int
    title: str = ""
    pages: int = 0
    hl7_identifier: str = ""
    concept: Concept | None = None
    is_verified: bool | None = None
    sources: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = field(default=())
