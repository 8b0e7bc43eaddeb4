"""From an entry of the spool to what registration needs: one read of the header, nothing decoded."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from imaging.dicom import conformance, corrections, frame_index, header, json_model, part10
from imaging.dicom.errors import DicomError, UnsupportedPixels
from imaging.dicom.header import Header
from imaging.dicom.part10 import ParsedFile
from imaging.ingest.selectors import Home
from imaging.ingest.source import Source
from imaging.ingest.spool import Claim
from imaging.storage.spooled import SpooledFile
from imaging.studies.reading import metadata
from imaging.studies.rows import study_time
from imaging.studies.rows.incoming import IncomingInstance


class Unreadable(Exception):
    """The object cannot be registered; ``header`` is there when at least its identity could be read."""

    def __init__(self, code: str, detail: str, header: Header | None = None, transfer_syntax_uid: str = "") -> None:
        """Keep the reason, and what could be read."""
        super().__init__(f"{code}: {detail}")
        self.reason = f"{code}: {detail}"
        self.header = header
        self.transfer_syntax_uid = transfer_syntax_uid


@dataclass(frozen=True, slots=True)
class Waiting:
    """A claimed entry and its sender."""

    claim: Claim
    source: Source

    @property
    def received_at(self) -> datetime:
        """When its bytes were complete."""
        return datetime.fromtimestamp(self.claim.entry.received_ns / 1e9, UTC)

    def spooled(self, transfer_syntax_uid: str) -> SpooledFile:
        """The file as storage wants it."""
        entry = self.claim.entry
        return SpooledFile(
            path=entry.path,
            file_sha256=entry.file_sha256,
            dataset_sha256=entry.dataset_sha256,
            length=self.claim.length,
            transfer_syntax_uid=transfer_syntax_uid,
        )


def prepare(waiting: Waiting, home: Home) -> IncomingInstance:
    """Everything that the archive must know, without a plan of placements. Raises ``Unreadable``."""
    source = waiting.source
    attributes = _corrections(source)
    parsed, found = _read(waiting.claim, attributes)
    try:
        index, rendition = _frames(waiting.claim, parsed)
        text = json_model.to_json(parsed, bulk_uri=metadata.bulk_uri)
    except DicomError as error:
        raise Unreadable(error.code, error.detail, found, parsed.transfer_syntax_uid) from error
    return IncomingInstance(
        header=found,
        stored=waiting.spooled(parsed.transfer_syntax_uid),
        metadata_json=text,
        frame_index=index,
        needs_rendition=rendition,
        issuer_of_patient_id=_issuer(found, source, home),
        study_at=study_time.aware(found.study, home.zone),
        received_at=waiting.received_at,
        door=source.door,
        sender=source.sender,
        address=source.address,
        identity_overruled=source.identity_decided,
        is_copy=source.is_copy,
        corrections=attributes,
        correction_origin=source.correction_origin,
        correction_reason=source.correction_reason,
    )


def _issuer(found: Header, source: Source, home: Home) -> str:
    """Who gave the number. Pseudonyms are nobody else's: those of one use are never taken for those of another."""
    return source.sender if source.is_copy else found.patient.issuer_of_patient_id or home.issuer_of_patient_id


def _corrections(source: Source) -> dict[str, Any]:
    """What its sender decided to put over the received attributes."""
    if not source.corrections:
        return {}
    found: dict[str, Any] = json.loads(source.corrections)
    return found


def _read(claim: Claim, attributes: dict[str, Any]) -> tuple[ParsedFile, Header]:
    try:
        parsed = part10.read_part10(claim.file)
    except DicomError as error:
        raise Unreadable(error.code, error.detail) from error
    found: Header | None = None
    problem = next((problem for problem in conformance.check(parsed) if problem.fatal), None)
    try:
        found = header.read_header(
            corrections.put_over(parsed.dataset, attributes) if attributes else parsed.dataset,
            transfer_syntax_uid=parsed.transfer_syntax_uid,
            has_pixels=parsed.has_pixels,
        )
    except DicomError as error:
        raise Unreadable(error.code, error.detail, None, parsed.transfer_syntax_uid) from error
    if problem is not None:
        raise Unreadable(problem.code, problem.detail, found, parsed.transfer_syntax_uid)
    return parsed, found


def _frames(claim: Claim, parsed: ParsedFile) -> tuple[bytes | None, str]:
    """(packed frame index, why the frames must be converted); pixels that no decoder knows are kept without an index."""
    if not parsed.has_pixels:
        return None, ""
    reason = frame_index.needs_rendition(parsed) or ""
    if reason:
        return None, reason
    try:
        return frame_index.build(claim.file, parsed).to_bytes(), ""
    except UnsupportedPixels:
        return None, ""
