"""Builds the DICOM files of prepared material and takes them into the archive, one result for each."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final

from django.conf import settings
from django.utils import timezone

from accounts import audit
from imaging.dicom import uids
from imaging.dicom.errors import DicomError
from imaging.dicom.wrapping import documents, pictures, videos
from imaging.dicom.wrapping.facts import (
    DOCUMENT_MODALITY,
    MODALITIES,
    DocumentFacts,
    Origin,
    PictureFacts,
    Place,
    SeriesFacts,
    VideoFacts,
)
from imaging.ingest import intake
from imaging.ingest import services as ingest
from imaging.ingest.intake import Outcome
from imaging.ingest.services import Held
from imaging.ingest.source import Source
from imaging.ingest.wrapping.targets import Target

__all__ = ["Outcome", "Piece", "Wishes", "Wrapped", "wrap"]

_CHUNK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One prepared file. ``stream`` stands at its first byte; ``sha256`` is that of the file as it was handed in."""

    name: str
    sha256: str
    facts: PictureFacts | VideoFacts | DocumentFacts
    stream: BinaryIO
    is_cda: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the person has said about all of them."""

    origin: Origin = Origin.PHOTO
    description: str = ""
    body_part: str = ""
    laterality: str = ""
    taken_at: datetime | None = None
    shows_identity: bool = True
    dpi: float | None = None


@dataclass(frozen=True, slots=True)
class Wrapped:
    """What became of one piece: an outcome, or the code of why nothing was kept."""

    piece: Piece
    outcome: Outcome | None
    refusal: str = ""


def wrap(pieces: Sequence[Piece], *, target: Target, wishes: Wishes, source: Source) -> list[Wrapped]:
    """Build one object of each piece, keep them durably, register them; the results in order.

    Pieces of one modality become one new series. Never raises for what is wrong with one of them: full disk, used-up
    quota or an unreadable piece are refusals of that piece (``disk_full``, ``quota``, ``not_kept``).
    """
    made_at = timezone.now()
    placed = list(_places(pieces, target, wishes, made_at))
    held: dict[int, Held] = {}
    refused: dict[int, str] = {}
    for number, (piece, place) in enumerate(zip(pieces, placed, strict=True)):
        try:
            held[number] = _hold(piece, place, wishes, source)
        except ingest.QuotaReached:
            refused[number] = "quota"
        except ingest.SpoolFull:
            refused[number] = "disk_full"
        except (ingest.SpoolError, ingest.Refused, DicomError, OSError):
            refused[number] = "not_kept"
    results = dict(zip(held, intake.register(list(held.values())), strict=True))
    for number, result in results.items():
        _record(pieces[number], placed[number], result, source)
    return [
        Wrapped(piece, results[number].outcome if number in results else None, refused.get(number, ""))
        for number, piece in enumerate(pieces)
    ]


def _places(pieces: Sequence[Piece], target: Target, wishes: Wishes, made_at: datetime) -> Iterator[Place]:
    """Each piece's place: one series per modality, instances counted from 1."""
    series: dict[str, SeriesFacts] = {}
    counts: dict[str, int] = {}
    for piece in pieces:
        modality = modality_of(piece, wishes.origin)
        if modality not in series:
            series[modality] = SeriesFacts(
                series_instance_uid=uids.new_uid(),
                series_number=target.first_series_number + len(series),
                modality=modality,
                description=wishes.description,
                body_part_examined=wishes.body_part,
                laterality=wishes.laterality,
            )
        counts[modality] = counts.get(modality, 0) + 1
        yield Place(
            patient=target.patient,
            study=target.study,
            series=series[modality],
            sop_instance_uid=uids.new_uid(),
            instance_number=counts[modality],
            made_at=made_at,
            taken_at=wishes.taken_at,
            # A letter names its patient; only of a picture can a person say that it does not.
            shows_identity=wishes.shows_identity or isinstance(piece.facts, DocumentFacts),
        )


def modality_of(piece: Piece, origin: Origin) -> str:
    """DOC for documents; a video is a camera's, whatever else was said."""
    if isinstance(piece.facts, DocumentFacts):
        return DOCUMENT_MODALITY
    if isinstance(piece.facts, VideoFacts) and origin not in videos.VIDEO_CLASSES:
        return MODALITIES[Origin.PHOTO]
    return MODALITIES[origin]


def _hold(piece: Piece, place: Place, wishes: Wishes, source: Source) -> Held:
    folder = settings.UPLOAD_DIR
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as out:
        _build(out, piece, place, wishes)
        out.seek(0)
        return ingest.hold(out, source=source)


def _build(out: BinaryIO, piece: Piece, place: Place, wishes: Wishes) -> None:
    facts = piece.facts
    if isinstance(facts, PictureFacts):
        pictures.write_picture(out, place, facts, piece.stream, origin=wishes.origin, dpi=wishes.dpi)
    elif isinstance(facts, VideoFacts):
        videos.write_video(out, place, facts, piece.stream, origin=wishes.origin)
    elif piece.is_cda:
        documents.write_cda(out, place, facts, piece.stream)
    else:
        documents.write_pdf(out, place, facts, piece.stream)


def _record(piece: Piece, place: Place, result: intake.Result, source: Source) -> None:
    """Which file became which object: by digest, for its name may be a patient's."""
    audit.record(
        audit.Action.FILE_WRAPPED,
        actor=source.actor,
        subject_type="study",
        subject_uid=place.study.study_instance_uid,
        patient_id=place.patient.patient_id,
        issuer_of_patient_id=place.patient.issuer_of_patient_id,
        detail={
            "sop_instance_uid": place.sop_instance_uid,
            "sop_class_uid": result.header.instance.sop_class_uid,
            "file_sha256": piece.sha256,
            "outcome": result.outcome.value,
        },
    )
