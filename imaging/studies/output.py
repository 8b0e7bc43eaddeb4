"""What is put over received headers on their way out, the same for every door (DESIGN 5.2).

Corrections will join here. Now: where frames are served converted, the headers say what the frames are.
"""

from typing import Any

import orjson

_PHOTOMETRIC, _SAMPLES = "00280004", "00280002"
_SUBSAMPLED = frozenset({"YBR_FULL_422", "YBR_PARTIAL_422"})
# Image Pixel module of frames that were converted to colours (PS3.3 C.7.6.3).
_RGB: dict[str, dict[str, Any]] = {
    _SAMPLES: {"vr": "US", "Value": [3]},
    _PHOTOMETRIC: {"vr": "CS", "Value": ["RGB"]},
    "00280006": {"vr": "US", "Value": [0]},
    "00280100": {"vr": "US", "Value": [8]},
    "00280101": {"vr": "US", "Value": [8]},
    "00280102": {"vr": "US", "Value": [7]},
    "00280103": {"vr": "US", "Value": [0]},
}
#: Palette Color Lookup Tables (0028,11xx) and (0028,12xx): the colours are in the pixels now.
_PALETTES = ("002811", "002812")


def of_converted_frames(text: bytes) -> bytes:
    """The DICOM JSON of an instance whose frames are converted before they are served."""
    record = orjson.loads(text)
    if not _becomes_rgb(record):
        return text
    kept = {tag: value for tag, value in record.items() if not tag.startswith(_PALETTES)}
    return orjson.dumps(dict(sorted({**kept, **_RGB}.items())))


def _becomes_rgb(record: dict[str, Any]) -> bool:
    photometric = _first(record, _PHOTOMETRIC)
    return photometric == "PALETTE COLOR" or (photometric in _SUBSAMPLED and _first(record, _SAMPLES) == 3)


def _first(record: dict[str, Any], tag: str) -> Any:
    values = record.get(tag, {}).get("Value") or [None]
    return values[0]
