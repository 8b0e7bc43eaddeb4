"""Frame descriptions on their way to the pool: plain JSON, rebuilt field by field (never pickled)."""

from __future__ import annotations

import base64
import dataclasses
from typing import Any

from imaging.dicom.frame_description import FrameDescription, LookupTable


def pack(described: FrameDescription) -> dict[str, Any]:
    """A description as JSON takes it; what has its default value is left out."""
    values = {part.name: (getattr(described, part.name), part.default) for part in dataclasses.fields(described)}
    return {name: _pack(value) for name, (value, default) in values.items() if value != default}


def description(packed: dict[str, Any]) -> FrameDescription:
    """The inverse of ``pack``. Raises ``TypeError`` for what is no description."""
    return FrameDescription(**{name: _unpack(value) for name, value in packed.items()})


def _pack(value: Any) -> Any:
    if isinstance(value, LookupTable):
        data = base64.b64encode(value.data).decode("ascii")
        return {"first_value": value.first_value, "bits": value.bits, "data": data}
    if isinstance(value, tuple):
        return [_pack(part) for part in value]
    return value


def _unpack(value: Any) -> Any:
    if isinstance(value, dict):
        return LookupTable(value["first_value"], value["bits"], base64.b64decode(value["data"]))
    if isinstance(value, list):
        return tuple(_unpack(part) for part in value)
    return value
