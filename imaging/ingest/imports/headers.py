"""Which object a found file is, read up to its pixels and no further."""

from imaging.dicom import conformance, header, part10
from imaging.dicom.errors import DicomError
from imaging.dicom.header import Header
from imaging.ingest.media.found import Found
from imaging.ingest.services import Refused


def read(found: Found) -> Header:
    """The header of a file. Raises ``Refused`` for what no door would take, ``MediaError`` when it cannot be read."""
    with found.open() as file:
        try:
            parsed = part10.read_part10(file)
            problem = next((one for one in conformance.check(parsed) if one.fatal), None)
            if problem is not None:
                raise Refused(problem.code, problem.detail)
            return header.read_header(
                parsed.dataset, transfer_syntax_uid=parsed.transfer_syntax_uid, has_pixels=parsed.has_pixels
            )
        except DicomError as error:
            raise Refused(error.code, error.detail) from error


def digest(found: Found) -> str:
    """The digest that tells duplicates (``part10.DatasetDigest``); reads the whole file. Raises as ``read``."""
    with found.open() as file:
        try:
            meta, offset = part10.read_file_meta(file, found.length)
            file.seek(offset)
            return part10.dataset_digest(file, meta.transfer_syntax_uid)
        except DicomError as error:
            raise Refused(error.code, error.detail) from error
