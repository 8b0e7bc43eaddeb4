"""Any bytes as a Part 10 file: parsed, or refused with one of our own errors; nothing else, and in bounded time."""

import io
import sys
from contextlib import suppress

import atheris

with atheris.instrument_imports(include=["imaging.dicom"]):
    from imaging.dicom import conformance, corrections, frame_index, header, json_model, part10
    from imaging.dicom.errors import DicomError

ATTRIBUTES = {"00100020": {"vr": "LO", "Value": ["LOCAL-1"]}}


def once(data: bytes) -> None:
    """Do with ``data`` what every door and the registrar do."""
    with suppress(DicomError):
        parsed = part10.read_part10(io.BytesIO(data))
        list(conformance.check(parsed))
        header.read_header(
            corrections.put_over(parsed.dataset, ATTRIBUTES),
            transfer_syntax_uid=parsed.transfer_syntax_uid,
            has_pixels=parsed.has_pixels,
        )
        json_model.to_json(parsed, bulk_uri=lambda path: path)
        if parsed.has_pixels:
            frame_index.build(io.BytesIO(data), parsed)


if __name__ == "__main__":
    atheris.Setup(sys.argv, once)
    atheris.Fuzz()
