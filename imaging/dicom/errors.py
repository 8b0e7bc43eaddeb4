"""What can be wrong with a DICOM object; every function of this package raises only these for bad input."""

from __future__ import annotations

from typing import ClassVar


class DicomError(Exception):
    """An object that cannot be used; ``code`` is a stable slug, ``detail`` says where, without patient data."""

    default_code: ClassVar[str] = "dicom_error"

    def __init__(self, detail: str = "", *, code: str | None = None) -> None:
        """Keep the reason as a slug for machines and a sentence for logs."""
        self.code = code or self.default_code
        self.detail = detail
        super().__init__(f"{self.code}: {detail}" if detail else self.code)


class NotDicom(DicomError):
    """The bytes are no DICOM Part 10 file (PS3.10 section 7.1)."""

    default_code = "not_dicom"


class Truncated(DicomError):
    """The bytes end before a length in them says so."""

    default_code = "truncated"


class MissingIdentifier(DicomError):
    """A study, series, SOP instance or SOP class UID is absent or no UID."""

    default_code = "missing_identifier"


class Malformed(DicomError):
    """The structure is broken or absurd: lengths, nesting or sizes that no real object has."""

    default_code = "malformed"


class UnsupportedPixels(DicomError):
    """The pixels are described in a way that no decoder here understands."""

    default_code = "unsupported_pixels"


class DecodeFailed(DicomError):
    """A decoder gave up on a frame, or gave another size than the header promises."""

    default_code = "decode_failed"
