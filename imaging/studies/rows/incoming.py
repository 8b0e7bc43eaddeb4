"""What the archive needs to know of a received instance to register it, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from imaging.dicom.header import Header
from imaging.storage.spooled import SpooledFile


@dataclass(frozen=True, slots=True)
class PlannedPlacement:
    """Where a new study goes and why; ``kind`` is a value of ``Placement.Kind``."""

    department_id: int
    kind: str
    reason_code: str
    reason_detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InheritedCorrection:
    """A correction of a study (or of one of its series) that holds for its later objects too, when they name the same person.

    ``person`` is who the corrected headers named as they were received; ``order`` is when it was decided among others.
    """

    group: UUID
    attributes: Mapping[str, Any]
    reason: str
    made_by: str
    order: int
    person: tuple[str, ...]
    series_instance_uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingInstance:
    """One received instance whose bytes are safe in the spool.

    ``metadata_json`` is the DICOM JSON object of the instance (``dicom.json_model.to_json`` with
    ``studies.reading.metadata.bulk_uri``). ``frame_index`` is ``FrameIndex.to_bytes()``, or None without pixels or when
    ``needs_rendition`` says that the frames must be converted first.

    ``issuer_of_patient_id`` is the issuer that counts (from the header, or the sender's site). ``study_at`` is aware
    (``studies.study_time.aware``), or None when the header tells no date.

    ``placements`` is the plan for a *new* study and must be empty when the study was known: a plan for a study that has
    come to exist meanwhile is answered ``STALE``, so that the question whether this sender may join it is asked again.
    ``identity_overruled`` is set when a person has decided that the patient agrees; an instance of another patient ID has
    to be corrected all the same. ``is_copy`` is set of what was made here of another study, without identity: it has no
    placement, and its study is opened only by what names it.

    ``corrections`` is a DICOM JSON object of attributes that are put over what was received: ``header`` is read with
    them, ``metadata_json`` is as received, and registration writes them down beside the version, with
    ``correction_origin`` (a value of ``Correction.Origin``) and ``correction_reason``. ``inherited`` are corrections of the
    study that it joins, the moves that it follows first; they too are in ``header`` already.
    """

    header: Header
    stored: SpooledFile
    metadata_json: bytes
    frame_index: bytes | None
    needs_rendition: str
    issuer_of_patient_id: str
    study_at: datetime | None
    received_at: datetime
    door: str
    sender: str = ""
    address: str = ""
    placements: tuple[PlannedPlacement, ...] = ()
    identity_overruled: bool = False
    is_copy: bool = False
    corrections: Mapping[str, Any] = field(default_factory=dict)
    correction_origin: str = "import"
    correction_reason: str = ""
    inherited: tuple[InheritedCorrection, ...] = ()
    #: Study and series that the object itself names, where it follows others that were moved (``reading.moves``).
    named_as: tuple[str, str] | None = None
    #: The decisions about moves among what it inherits, in their order.
    followed: tuple[UUID, ...] = ()

    @property
    def named(self) -> tuple[str, str]:
        """Study Instance UID and Series Instance UID before anything that was moved is followed."""
        return self.named_as or (self.header.study.study_instance_uid, self.header.series.series_instance_uid)

    @property
    def is_corrected(self) -> bool:
        """Whether anything is put over what was received."""
        return bool(self.corrections or self.inherited)


class State(StrEnum):
    """What became of one received instance."""

    #: Kept as the current version of a new instance.
    NEW = "new"
    #: The same data set was already kept: nothing was written.
    DUPLICATE = "duplicate"
    #: The instance was known with other bytes: kept as a conflicting version.
    CONFLICT = "conflict"
    #: Its series is known under another study, or its SOP Instance UID under another series: nothing was written.
    HIERARCHY_CONFLICT = "hierarchy_conflict"
    #: The study is known for another patient ID: nothing was written.
    IDENTITY_CONFLICT = "identity_conflict"
    #: The plan was made before the study existed: nothing was written; ask the policies again and register again.
    STALE = "stale"


#: The states after which the archive holds the bytes and the spool may let go of them.
KEPT = frozenset({State.NEW, State.DUPLICATE, State.CONFLICT})


@dataclass(frozen=True, slots=True)
class Registered:
    """The answer for one received instance; primary keys are None where nothing was written."""

    incoming: IncomingInstance
    state: State
    detail: str = ""
    version_id: int | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the archive holds these bytes."""
        return self.state in KEPT


Batch = Sequence[IncomingInstance]
