"""DICOM JSON (PS3.18 annex F) of one instance, straight from the undecoded elements."""

from __future__ import annotations

from collections.abc import Callable

from pydicom.dataset import Dataset

from imaging.dicom.part10 import ParsedFile


def to_json(
    parsed: ParsedFile | Dataset,
    *,
    bulk_uri: Callable[[str], str] | None = None,
    inline_limit: int = 65536,
) -> bytes:
    """One JSON object, UTF-8. ``bulk_uri`` gets the path of a value (``00420011``, ``54000100/1/54001010``)."""
    raise NotImplementedError
