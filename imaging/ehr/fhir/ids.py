"""The ids of resources as keys of ours; what can be none is passed over, and finds nothing."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from typing import Final

_LARGEST: Final = 2**63 - 1
_NUMBER: Final = re.compile(r"[0-9]{1,19}")
_UID: Final = re.compile(r"[0-9.]{1,64}")
_MODALITY: Final = re.compile(r"[A-Z0-9_ ]{1,16}")


def numbers(keys: Iterable[str]) -> list[int]:
    """Primary keys."""
    return [int(key) for key in keys if _NUMBER.fullmatch(key) and int(key) <= _LARGEST]


def uuids(keys: Iterable[str]) -> list[uuid.UUID]:
    """Lasting keys."""
    found = []
    for key in keys:
        try:
            found.append(uuid.UUID(key))
        except ValueError:
            continue
    return found


def uids(texts: Iterable[str]) -> tuple[str, ...]:
    """UIDs of DICOM, with or without `urn:oid:` before them."""
    plain = (text.removeprefix("urn:oid:") for text in texts)
    return tuple(text for text in plain if _UID.fullmatch(text))


def modalities(codes: Iterable[str]) -> tuple[str, ...]:
    """Modalities (0008,0060)."""
    return tuple(code for code in codes if _MODALITY.fullmatch(code))
